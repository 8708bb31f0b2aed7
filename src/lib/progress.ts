/** Told again and again while long work goes on: how much of how much is done. */
export type Progress = (done: number, total: number) => void;

/** For callers who do not look on. */
export const unwatched: Progress = () => {};
