/** One tab of the explorer. Its title is the name of its operation. */
export interface Tab {
  readonly query: string;
  /** JSON. */
  readonly variables?: string;
  /** JSON. */
  readonly headers?: string;
}

const json = (value: object): string => JSON.stringify(value, null, 2);

/** The tabs that the explorer opens with: a purchase in the demo sale, step by step. */
export const TABS: readonly Tab[] = [
  {
    query: `# The products on sale.
query Look {
  products(first: 10) {
    nodes {
      id
      name
      price { amount currency }
      saleStatus
      totalStock
      availableStock
    }
  }
}
`,
  },
  {
    query: `# Reserves units for two minutes.
# Copy the token into the variables of the tab Order.
mutation Hold($input: CreateHoldInput!) {
  createHold(input: $input) {
    __typename
    ... on Hold {
      token
      orderId
      quantity
      totalAmount { amount currency }
      expiresAt
      remainingMs
    }
    ... on CheckoutError { code message retryable }
  }
}
`,
    variables: json({ input: { productId: '1', quantity: 2 } }),
  },
  {
    query: `# Makes the order of a hold.
# It stays PENDING until a payment event arrives.
mutation Order($holdToken: String!) {
  createOrder(holdToken: $holdToken) {
    __typename
    ... on Order {
      id
      status
      quantity
      totalAmount { amount currency }
      paymentExpiresAt
    }
    ... on CheckoutError { code message retryable }
  }
}
`,
    variables: json({ holdToken: 'the token of the tab Hold' }),
  },
  {
    query: `# Shows each change of the stock, until it is stopped.
# Create a hold in another window.
subscription Live($productIds: [ID!]!) {
  stockChanged(productIds: $productIds) {
    id
    name
    saleStatus
    availableStock
    heldStock
    soldStock
    stockVersion
  }
}
`,
    variables: json({ productIds: ['1'] }),
  },
  {
    query: `# Needs the admin token, in the headers below.
# The server shows it once, at its first start.
query Admin($productId: ID!) {
  stockAudit(productId: $productId) {
    balanced
    total
    available
    held
    sold
    findings
  }
  stockMovements(productId: $productId, first: 10) {
    nodes { version cause availableDelta heldDelta soldDelta at }
  }
}
`,
    variables: json({ productId: '1' }),
    headers: json({ Authorization: 'Bearer the-admin-token' }),
  },
];
