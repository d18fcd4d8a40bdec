/** What is being asked for while a call rings. */
export type Doing = 'answer' | 'end' | 'voice' | 'decline';
