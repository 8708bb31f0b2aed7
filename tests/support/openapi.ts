import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import yaml from 'js-yaml';
import { textOf } from './project.ts';

/** The part of a schema that names the answers of a status. */
interface AnswerSchema {
  readonly oneOf?: readonly AnswerSchema[];
  readonly properties?: Readonly<
    Partial<Record<'outcome' | 'error', { readonly enum: readonly string[] }>>
  >;
}

interface HeaderDocument {
  readonly required?: boolean;
}

interface ResponseDocument {
  readonly headers: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content: { readonly 'application/json': { readonly schema: AnswerSchema } };
}

interface OpenApiDocument {
  readonly info: { readonly version: string };
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly post: {
          readonly parameters: readonly { readonly name: string; readonly required: boolean }[];
          readonly responses: Readonly<Record<string, { readonly $ref: string }>>;
        };
      }
    >
  >;
}

/** An answer of an endpoint: its status, its headers by lower-case names and its text. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** docs/openapi.yaml: what it documents, and whether a message conforms to it. */
export class OpenApi {
  readonly #document = yaml.safeLoad(textOf('docs/openapi.yaml')) as OpenApiDocument;
  readonly #ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    formats: { uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/ },
  }).addSchema(this.#document as object, 'openapi');

  /** The version of the document. */
  get version(): string {
    return this.#document.info.version;
  }

  /** The paths of all operations. */
  get paths(): string[] {
    return Object.keys(this.#document.paths);
  }

  /** The names of the headers that a request to this path must have. */
  requiredHeaders(path: string): string[] {
    const { parameters } = this.#document.paths[path]!.post;
    return parameters.filter(({ required }) => required).map(({ name }) => name);
  }

  /** The documented answers of a path: `200 applied`, `401 bad_signature`. */
  answersOf(path: string): string[] {
    const statuses = Object.keys(this.#document.paths[path]!.post.responses);
    return statuses.flatMap((status) => {
      const { content } = this.#responseOf(path, status)!;
      return codesIn(content['application/json'].schema).map((code) => `${status} ${code}`);
    });
  }

  /** The errors of the body of a request; none if it conforms. */
  requestErrors(path: string, body: string): string[] {
    const operation = `#/paths/${escaped(path)}/post`;
    const schema = `${operation}/requestBody/content/application~1json/schema`;
    return this.#errors(schema, JSON.parse(body));
  }

  /** The errors of an answer: its status, its body and its headers; none if it conforms. */
  answerErrors(path: string, { status, headers, text }: HttpAnswer): string[] {
    const response = this.#responseOf(path, String(status));
    if (response === undefined) return [`The status ${status} is not documented.`];
    const pointer = this.#document.paths[path]!.post.responses[status]!.$ref;
    return [
      ...this.#errors(`${pointer}/content/application~1json/schema`, JSON.parse(text)),
      ...Object.entries(response.headers).flatMap(([name, { $ref }]) =>
        this.#headerErrors(name, $ref, headers[name.toLowerCase()]),
      ),
    ];
  }

  #headerErrors(name: string, pointer: string, value: unknown): string[] {
    const { required = false } = this.#at(pointer) as HeaderDocument;
    if (value === undefined) return required ? [`The header ${name} is missing.`] : [];
    return this.#errors(`${pointer}/schema`, value);
  }

  #responseOf(path: string, status: string): ResponseDocument | undefined {
    const reference = this.#document.paths[path]!.post.responses[status];
    return reference && (this.#at(reference.$ref) as ResponseDocument);
  }

  #at(pointer: string): unknown {
    return pointer
      .split('/')
      .slice(1)
      .reduce((node: unknown, name) => (node as Record<string, unknown>)[name], this.#document);
  }

  #errors(pointer: string, value: unknown): string[] {
    const validate: ValidateFunction = this.#ajv.getSchema(`openapi${pointer}`)!;
    if (validate(value)) return [];
    return validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
  }
}

function codesIn({ oneOf = [], properties = {} }: AnswerSchema): string[] {
  const { outcome, error } = properties;
  return [...oneOf.flatMap(codesIn), ...(outcome?.enum ?? []), ...(error?.enum ?? [])];
}

const escaped = (path: string): string => path.replaceAll('/', '~1');
