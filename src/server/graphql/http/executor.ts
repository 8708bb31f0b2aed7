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

/** A document is compiled after this many executions; compiling costs as much as about a hundred. */
const TIMES_BEFORE = 100;

/**
 * Most fields of a compiled document, fragments expanded. Compiling takes 0.3 ms for each field and
 * blocks the event loop. The documents of a shop have fewer than 50 fields.
 */
const FIELDS_MAX = 60;

/** When documents are compiled. */
export interface CompilingOptions {
  /** Executions of a document before it is compiled. */
  readonly timesBefore?: number;
  /** Most fields of a document that is compiled. */
  readonly fieldsMax?: number;
  /** Runs the compiling: at once, or when the event loop has time. False: it is not run. */
  readonly compileLater?: (compile: () => void) => boolean;
}

type Execute = (args: ExecutionArgs) => Promise<ExecutionResult>;

/** The executions of a document, and its compiled code; null if graphql-js executes it. */
interface DocumentUse {
  executions: number;
  compiled: CompiledQuery | null;
}

/**
 * Executes operations with graphql-js, and frequent ones with compiled code (graphql-jit) for about
 * 0.6 of the CPU (docs/adr/compiled-executor.md). The results are equal. Documents that compiled code
 * treats differently (see `isPlain`) are not compiled. Variables that compiled code refuses are handled
 * by graphql-js.
 *
 * Compiled code is cached with its document and is released with it.
 */
export function compilingExecute({
  timesBefore = TIMES_BEFORE,
  fieldsMax = FIELDS_MAX,
  compileLater = (compile) => (compile(), true),
}: CompilingOptions = {}): Execute {
  const uses = new WeakMap<DocumentNode, DocumentUse>();

  const compiledFor = ({ schema, document, operationName }: ExecutionArgs) => {
    const use = uses.get(document) ?? { executions: 0, compiled: null };
    uses.set(document, use);
    use.executions += 1;
    if (use.executions === timesBefore + 1 && isWorthIt(document, fieldsMax)) {
      const isAccepted = compileLater(
        () => (use.compiled = compile(schema, document, operationName)),
      );
      // Tried again after as many executions.
      if (!isAccepted) use.executions = 0;
    }
    return use.compiled;
  };

  return async (request) => {
    const args = { ...request, options: COERCION };
    // Compiled code ignores operationName, so it is checked here.
    const hasOperation = getOperationAST(args.document, args.operationName) !== null;
    const compiled = hasOperation ? compiledFor(args) : null;
    if (compiled === null) return execute(args);
    const result = await compiled.query(args.rootValue, args.contextValue, args.variableValues);
    // Without `data` nothing was executed: the variables are invalid, or omit one that has a default.
    if (result.data === undefined) return execute(args);
    return result.errors === undefined
      ? result
      : { ...result, errors: result.errors.map(asGraphqlError) };
  };
}

/** Passes an execute function to Apollo, which accepts one only from a gateway. */
export function gatewayOf(
  schema: GraphQLSchema,
  run: Execute,
): ApolloServerOptionsWithGateway<never>['gateway'] {
  return {
    onSchemaLoadOrUpdate(callback) {
      callback({ apiSchema: schema, coreSupergraphSdl: '' });
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

/** Whether the document has one operation, and no directives, introspection or variables inside literals. */
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
    // Compiled code ignores the default of an input field whose variable is omitted.
    Variable: (_node, _key, parent) => (isWhole(parent) ? undefined : notPlain()),
    Field: ({ name }) =>
      name.value.startsWith('__') && name.value !== '__typename' ? notPlain() : undefined,
  });
  return plain;
}

/** Whether a variable is a declaration or an argument's whole value. */
function isWhole(parent: ASTNode | readonly ASTNode[] | undefined): boolean {
  // A list of nodes has no kind.
  const kind = (parent as Partial<ASTNode> | undefined)?.kind;
  return kind === Kind.VARIABLE_DEFINITION || kind === Kind.ARGUMENT;
}

/** Converts to the class of graphql-js, which Apollo recognizes, and keeps the cause. */
function asGraphqlError({
  message,
  path,
  locations,
  originalError,
  extensions,
}: GraphQLError): GraphQLError {
  const error = new GraphQLError(message, { path, originalError, extensions });
  return Object.assign(error, { locations });
}
