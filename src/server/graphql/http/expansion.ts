import {
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** The counts of a definition with its fragments expanded, each spread counted. May be Infinity. */
export interface Cost {
  /** Levels of fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  readonly rootFields: number;
  /** Fields, inline fragments and spreads. */
  readonly selections: number;
  readonly fields: number;
}

/** What the answer to a definition has. */
export interface Merged {
  /** The fields of the first response name that occurs too often in one selection set. */
  readonly repeated: readonly FieldNode[] | undefined;
  /** Fields at most, where each list has the rows of its argument `first`. */
  readonly answerFields: number;
}

/** Selection sets of one object of the answer, and how many such objects the answer has. */
interface MergedSet {
  readonly sets: readonly SelectionSetNode[];
  readonly times: number;
}

/** An operation, or a fragment. */
export type Definition = OperationDefinitionNode | FragmentDefinitionNode;

const NOTHING: Cost = {
  depth: 0,
  aliases: 0,
  directives: 0,
  rootFields: 0,
  selections: 0,
  fields: 0,
};

/**
 * Counts a document with its fragments expanded. Each definition is read once and its cost is cached.
 * The time is linear in the document, however often its fragments spread each other.
 */
export class Expansion {
  /**
   * The operations, and the fragments that no operation spreads: those are invalid, but rules read
   * them. Of fragments that share a name, all but the last are such, too.
   */
  readonly roots: readonly Definition[];
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #costs = new Map<Definition, Cost>();
  /** The definitions being read. */
  readonly #open = new Set<Definition>();
  #isCyclic = false;

  constructor(document: DocumentNode) {
    const roots: Definition[] = [];
    const fragments: FragmentDefinitionNode[] = [];
    for (const node of document.definitions) {
      if (node.kind === Kind.OPERATION_DEFINITION) roots.push(node);
      if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.push(node);
    }
    for (const fragment of fragments) this.#fragments.set(fragment.name.value, fragment);
    for (const operation of roots) this.costOf(operation);
    for (const fragment of fragments) {
      if (this.#costs.has(fragment)) continue;
      roots.push(fragment);
      this.costOf(fragment);
    }
    this.roots = roots;
  }

  /** Whether a fragment contains itself; its costs are then invalid. */
  get isCyclic(): boolean {
    return this.#isCyclic;
  }

  /** The counts of the definition. */
  costOf(definition: Definition): Cost {
    const cached = this.#costs.get(definition);
    if (cached !== undefined) return cached;
    this.#open.add(definition);
    const { directives, ...cost } = this.#costOfSet(definition.selectionSet);
    this.#open.delete(definition);
    const own = definition.directives?.length ?? 0;
    const whole = { ...cost, directives: directives + own };
    this.#costs.set(definition, whole);
    return whole;
  }

  /**
   * Merges the sets of fields with the same response name, as the answer does. Visits every selection of
   * the expanded document: for a document whose selections are bounded.
   *
   * @param repeatsMax how often a response name may occur in one selection set
   */
  merge({ selectionSet }: Definition, repeatsMax: number): Merged {
    const merged: MergedSet[] = [{ sets: [selectionSet], times: 1 }];
    let answerFields = 0;
    for (const { sets, times } of merged) {
      for (const fields of this.#fieldsByName(sets).values()) {
        if (fields.length > repeatsMax) return { repeated: fields, answerFields };
        answerFields += times;
        const below = fields.flatMap((field) => field.selectionSet ?? []);
        merged.push({ sets: below, times: times * rowsOf(fields[0]!) });
      }
    }
    return { repeated: undefined, answerFields };
  }

  #costOfSet({ selections }: SelectionSetNode): Cost {
    return selections.reduce((sum, selection) => {
      const cost = this.#costOfSelection(selection);
      return {
        depth: Math.max(sum.depth, cost.depth),
        aliases: sum.aliases + cost.aliases,
        directives: sum.directives + cost.directives + (selection.directives?.length ?? 0),
        rootFields: sum.rootFields + cost.rootFields,
        selections: sum.selections + cost.selections + 1,
        fields: sum.fields + cost.fields,
      };
    }, NOTHING);
  }

  #costOfSelection(selection: SelectionNode): Cost {
    if (selection.kind === Kind.INLINE_FRAGMENT) return this.#costOfSet(selection.selectionSet);
    if (selection.kind === Kind.FRAGMENT_SPREAD) return this.#costOfSpread(selection.name.value);
    const below = selection.selectionSet ? this.#costOfSet(selection.selectionSet) : NOTHING;
    return {
      ...below,
      depth: below.depth + 1,
      aliases: below.aliases + (selection.alias === undefined ? 0 : 1),
      rootFields: 1,
      fields: below.fields + 1,
    };
  }

  #costOfSpread(name: string): Cost {
    const fragment = this.#fragments.get(name);
    // Validation reports an unknown fragment.
    if (fragment === undefined) return NOTHING;
    if (!this.#open.has(fragment)) return this.costOf(fragment);
    this.#isCyclic = true;
    return NOTHING;
  }

  /** The fields of these sets, fragments expanded, by the name that they have in the answer. */
  #fieldsByName(sets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
    const byName = new Map<string, FieldNode[]>();
    const open = [...sets];
    for (const { selections } of open) {
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) {
          const name = (selection.alias ?? selection.name).value;
          const fields = byName.get(name);
          if (fields === undefined) byName.set(name, [selection]);
          else fields.push(selection);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) open.push(selection.selectionSet);
        else open.push(...this.#setOf(selection.name.value));
      }
    }
    return byName;
  }

  #setOf(name: string): SelectionSetNode[] {
    const fragment = this.#fragments.get(name);
    return fragment === undefined ? [] : [fragment.selectionSet];
  }
}

/** Most rows of a list. A variable counts as this many. */
const ROWS_MAX = 100;

/**
 * The rows that the argument `first` asks for; 1 without it. A list of the default length counts as one
 * row: the limit of all fields bounds it.
 */
function rowsOf({ arguments: given = [] }: FieldNode): number {
  const first = given.find(({ name }) => name.value === 'first')?.value;
  if (first === undefined) return 1;
  const rows = first.kind === Kind.INT ? Number(first.value) : ROWS_MAX;
  return Math.max(1, Math.min(rows, ROWS_MAX));
}
