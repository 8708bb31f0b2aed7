/** The used part of the package: it has no types of its own. */
declare module 'js-yaml' {
  const yaml: {
    /** The value of a YAML text that has only the types of JSON. */
    safeLoad(text: string): unknown;
  };
  export default yaml;
}
