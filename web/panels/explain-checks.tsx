import type { JSX } from 'preact';

import type { AccessAnswer, CheckRow } from '../worker/explain.js';

/** Milliseconds between two checks that light up. */
const BEAT = 110;

const MARKS = { allowed: '✓', denied: '✕', continue: '↓' } as const;
const OUTCOMES = { allowed: 'allowed here', denied: 'denied here', continue: 'goes on' } as const;

/**
 * The answer: the verdict, then each check in the kernel's order with what it compared.
 *
 * @param replays rises to have the checks light up again
 */
export function AccessVerdict(props: {
  readonly answer: AccessAnswer;
  readonly replays: number;
}): JSX.Element {
  const { answer, replays } = props;
  const { allowed, errno, errnoText, checks } = answer;
  const help = allowed ? null : whatHelps(checks.at(-1));
  return (
    <>
      <p class={`verdict verdict-${allowed ? 'good' : 'bad'}`} role="status">
        <strong>{allowed ? 'Allowed' : `Denied: ${errno}`}</strong>
        {errnoText !== null && <span> {errnoText.toLowerCase()}</span>}
      </p>
      <ol class="checks" key={`${replays} ${JSON.stringify(checks)}`} aria-label="Checks, in order">
        {checks.map((row, i) => (
          <CheckLine key={i} row={row} delay={i * BEAT} />
        ))}
      </ol>
      {help !== null && (
        <p class="verdict-help">
          <strong>What would help:</strong> {help}
        </p>
      )}
    </>
  );
}

function CheckLine({
  row,
  delay,
}: {
  readonly row: CheckRow;
  readonly delay: number;
}): JSX.Element {
  const { check, source, compared, outcome, decided } = row;
  return (
    <li
      class={`check-line check-${outcome} ${decided ? 'check-decided' : ''}`}
      style={{ animationDelay: `${delay}ms` }}
    >
      <span class="check-mark" aria-hidden="true">
        {MARKS[outcome]}
      </span>
      <div>
        <p class="check-text">
          {check}
          <span class="unseen">: {OUTCOMES[outcome]}</span>
        </p>
        <dl class="check-values">
          {compared.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="mono">{value}</dd>
            </div>
          ))}
        </dl>
        <p class="check-source mono">{source}</p>
      </div>
    </li>
  );
}

/** What would change the decision, by the function that made it. */
function whatHelps(row: CheckRow | undefined): string | null {
  if (row === undefined) return null;
  const { source } = row;
  if (source.includes('ptrace_has_cap')) {
    return 'all ids of both tasks alike, or CAP_SYS_PTRACE for the caller in the target’s user namespace.';
  }
  if (source.includes('task_still_dumpable')) {
    return 'a target that is dumpable (prctl PR_SET_DUMPABLE), or CAP_SYS_PTRACE where its memory lives.';
  }
  if (source.includes('yama')) {
    return 'a caller that is an ancestor, one that the target names by PR_SET_PTRACER, or a lower scope.';
  }
  if (source.includes('commoncap')) {
    return 'a caller that has every capability of the target, or CAP_SYS_PTRACE in its user namespace.';
  }
  return null;
}
