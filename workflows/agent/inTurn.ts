import { condition } from '@temporalio/workflow';

let landed = 0;
let delivered = 0;

/**
 * The end of a quick step, handed on when all that follows from the end before it has happened.
 *
 * Live, quick steps end one by one, each in an activation of its own. A replay knows all the ends of a workflow task at once, and
 * the SDK resolves them together: code that asks which was first would then go another way than it did. Conditions are what the
 * SDK looks at only when no promise is left to go on.
 */
export async function inTurn<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } finally {
    const turn = landed++;
    let asked = false;
    await condition(() => {
      // The first time is at once, while what follows from the end before may still be under way.
      const again = asked;
      asked = true;
      return again && delivered === turn;
    });
    delivered += 1;
  }
}
