declare module '*.css' {
  const text: string;
  export default text;
}

/** The name of the file that shows a call, in the language that it is written into. */
declare const CALL: string;
