import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import {
  BREAK,
  execute,
  getOperationAST,
  GraphQLError,
  Kind,
  visit,
  type ASTNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import { Expansion } from './expansion.ts';
import { COERCION } from './limits.ts';

/** A document asked for more often than this is worth compiling, which costs some hundred executions. */
const TIMES_BEFORE = 100;

/**
 * Most fields of a document that is compiled, fragments expanded: a field takes 0.3 ms, in one piece
 * that holds up everything else. The documents of a shop have fewer than 50.
 */
const FIELDS_MAX = 60;

/** When documents are compiled. */
export interface CompilingOptions {
  /** How often a document is executed before. */
  readonly timesBefore?: number;
  /** Most fields of a document that is compiled. */
  readonly fieldsMax?: number;
  /** Runs the compiling: at once, or when the event loop has time. False: it is not run. */
  readonly compileLater?: (compile: () => void) => boolean;
}

type Execute = (args: ExecutionArgs) => Promise<ExecutionResult>;

/** How often a document was asked for, and its compiled code: null where it is executed without. */
interface Asked {
  times: number;
  compiled: CompiledQuery | null;
}

/**
 * Executes operations as graphql-js does, and those that come again and again by compiled code
 * (graphql-jit), for a third of the cost. Every answer is the same: what compiled code is known to
 * treat differently (`isPlain` says what) is never compiled,
 * and variables that it refuses are judged by graphql-js.
 *
 * What is compiled is kept with its document, and goes when the document leaves the cache.
 */
export function compilingExecute({
  timesBefore = TIMES_BEFORE,
  fieldsMax = FIELDS_MAX,
  compileLater = (compile) => (compile(), true),
}: CompilingOptions = {}): Execute {
  const known = new WeakMap<DocumentNode, Asked>();

  const compiledFor = ({ schema, document, operationName }: ExecutionArgs) => {
    let asked = known.get(document);
    if (asked === undefined) known.set(document, (asked = { times: 0, compiled: null }));
    const { times } = asked;
    asked.times += 1;
    if (times === timesBefore && isWorthIt(document, fieldsMax)) {
      const kept = asked;
      const isTaken = compileLater(
        () => (kept.compiled = compile(schema, document, operationName)),
      );
      // It is tried again after as many executions.
      if (!isTaken) asked.times = 0;
    }
    return asked.compiled;
  };

  return async (asked) => {
    const args = { ...asked, options: COERCION };
    // Compiled code runs its one operation, whichever was asked for by name.
    const isThere = getOperationAST(args.document, args.operationName) !== null;
    const compiled = isThere ? compiledFor(args) : null;
    if (compiled === null) return execute(args);
    const result = await compiled.query(args.rootValue, args.contextValue, args.variableValues);
    // Without data nothing has run: the variables did not fit, or left out what has a default.
    if (!('data' in result)) return execute(args);
    return result.errors === undefined ? result : { ...result, errors: result.errors.map(asTold) };
  };
}

/** Hands an execution to Apollo, which has no other place for one than a gateway's. */
export function gatewayOf(
  schema: GraphQLSchema,
  run: Execute,
): ApolloServerOptionsWithGateway<never>['gateway'] {
  return {
    onSchemaLoadOrUpdate(tell) {
      tell({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => {};
    },
    load: async () => ({
      executor: ({ document, context, request: { variables, operationName } }) =>
        run({ schema, document, contextValue: context, variableValues: variables, operationName }),
    }),
    stop: async () => {},
  };
}

function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): CompiledQuery | null {
  const compiled = compileQuery(schema, document, operationName ?? undefined);
  return isCompiledQuery(compiled) ? compiled : null;
}

function isWorthIt(document: DocumentNode, fieldsMax: number): boolean {
  if (!isPlain(document)) return false;
  const expansion = new Expansion(document);
  return expansion.roots.every((root) => expansion.costOf(root).fields <= fieldsMax);
}

/** One operation, without directives, introspection, and variables inside of written-in values. */
function isPlain(document: DocumentNode): boolean {
  let operations = 0;
  let plain = true;
  const notPlain = (): typeof BREAK => {
    plain = false;
    return BREAK;
  };
  visit(document, {
    OperationDefinition: () => ((operations += 1) > 1 ? notPlain() : undefined),
    Directive: notPlain,
    // Compiled code forgets the default of an input's field whose variable was left out.
    Variable: (_node, _key, parent) => (isWhole(parent) ? undefined : notPlain()),
    Field: ({ name }) =>
      name.value.startsWith('__') && name.value !== '__typename' ? notPlain() : undefined,
  });
  return plain;
}

/** Whether a variable stands there alone: declared, or as an argument's whole value. */
function isWhole(parent: ASTNode | readonly ASTNode[] | undefined): boolean {
  if (parent === undefined || !('kind' in parent)) return false;
  return parent.kind === Kind.VARIABLE_DEFINITION || parent.kind === Kind.ARGUMENT;
}

/** The same error as graphql-js would have made: Apollo knows its class and reads its cause. */
function asTold({
  message,
  path,
  locations,
  originalError,
  extensions,
}: GraphQLError): GraphQLError {
  const error = new GraphQLError(message, { path, originalError, extensions });
  return Object.assign(error, { locations });
}
