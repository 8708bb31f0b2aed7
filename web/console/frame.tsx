import { useEffect, useRef, type ComponentType } from 'react';
import { hrefOf, useRoute, type Route } from './route.ts';
import { useSession } from './session.ts';
import { AuditLog } from './views/audit-log.tsx';
import { Checks } from './views/checks.tsx';
import { Holds } from './views/holds.tsx';
import { Now } from './views/now.tsx';
import { Orders } from './views/orders.tsx';
import { Payments } from './views/payments.tsx';
import { Products } from './views/products.tsx';
import { Purchase } from './views/purchase.tsx';
import { Refunds } from './views/refunds.tsx';
import { Webhooks } from './views/webhooks.tsx';

/** A view of the console. */
interface View {
  readonly title: string;
  readonly Body: ComponentType<Pick<Route, 'params'>>;
  /** Reached by links from other views only. */
  readonly isHidden?: boolean;
}

const VIEWS: Readonly<Record<string, View>> = {
  now: { title: 'Now', Body: Now },
  products: { title: 'Products', Body: Products },
  orders: { title: 'Orders', Body: Orders },
  holds: { title: 'Holds', Body: Holds },
  payments: { title: 'Payments', Body: Payments },
  refunds: { title: 'Refunds', Body: Refunds },
  webhooks: { title: 'Webhooks', Body: Webhooks },
  checks: { title: 'Checks', Body: Checks },
  'audit-log': { title: 'Audit log', Body: AuditLog },
  purchase: { title: 'Purchase', Body: Purchase, isHidden: true },
};

/** The frame around each view: navigation, lock, sign-out. */
export function Frame() {
  const { view, params } = useRoute();
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  const { title, Body } = VIEWS[view] ?? VIEWS['now']!;
  useEffect(() => {
    document.title = `${title} – flash sale console`;
    // Keyboard and screen reader continue at the new view.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
  }, [title]);
  return (
    <>
      <header className="bar">
        <nav aria-label="Views">
          {Object.entries(VIEWS)
            .filter(([, { isHidden }]) => !isHidden)
            .map(([name, { title: text }]) => (
              <a key={name} href={hrefOf(name)} aria-current={name === view ? 'page' : undefined}>
                {text}
              </a>
            ))}
        </nav>
        <Lock />
      </header>
      <main>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <Body key={`${view}?${params.toString()}`} params={params} />
      </main>
    </>
  );
}

/** Read-only until it is unlocked: no single click changes a sale by mistake. */
function Lock() {
  const { isUnlocked, setUnlocked, signOut } = useSession();
  return (
    <div className="lock">
      <span role="status">{isUnlocked ? 'Acts are enabled' : 'Read-only'}</span>
      <button onClick={() => setUnlocked(!isUnlocked)}>{isUnlocked ? 'Lock' : 'Unlock'}</button>
      <button onClick={signOut}>Sign out</button>
    </div>
  );
}
