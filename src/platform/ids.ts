import { v7 } from 'uuid';

/** Makes a new id: UUIDv7, so that ids made later sort later and land at the end of an index. */
export const newId: () => string = () => v7();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text has the form of a UUID, of any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
