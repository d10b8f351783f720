/** The question cannot be answered as it was put; one line that says what, and what to say instead. */
export class QuestionError extends Error {
  override readonly name: string = "QuestionError";
}
