/** Called repeatedly during long work with the finished part and the total. */
export type Progress = (done: number, total: number) => void;

/** Reports nothing. */
export const noProgress: Progress = () => {};
