// SPDX-License-Identifier: BSD-3-Clause
// The policy's versions: how they differ, and back to one of them, with a minute to think it over.
import { useState } from "preact/hooks";
import { get, type Problem, send, type Versions, type Who } from "./api";
import { type Action, clock, Dialog, focusOn, Part, Problems, Table, useAction, usePoll } from "./parts";

interface Diff {
  number: number; // the version that was asked about
  from: number;
  to: number;
  diff: string;
}

interface Props {
  newest: { value?: Versions; oldSince: number; problems: Problem[] };
  who: Who;
  again: () => unknown;
}
const PAGE = 10;

// An admin ends what waits; an operator what is their own.
function Waiting({ value, who, act }: { value?: Versions; who: Who; act: Action }) {
  const { busy, run } = act;
  const waits = value?.unconfirmed;
  if (!waits) return null;
  const author = value.versions.find((one) => one.version === waits.version)?.author;
  const end = async (path: string) => {
    if (await run(() => send("POST", path, undefined, waits.version))) focusOn("history-title");
  };
  return (
    <div class="trial" role="status">
      <p>
        … Version {waits.version} waits for its confirmation. Without one, version {waits.back_to} comes back at{" "}
        {clock(waits.deadline)}.
      </p>
      {who.role === "admin" || (who.role === "operator" && author === who.name) ? (
        <>
          <button type="button" aria-disabled={busy} onClick={() => end("/v1/policy/confirm")}>
            Keep it
          </button>{" "}
          <button type="button" aria-disabled={busy} onClick={() => end(`/v1/policy/rollback?to=${waits.back_to}`)}>
            Back now
          </button>
        </>
      ) : null}
    </div>
  );
}

// What it would change is seen before it is done.
function Compared({ shown, running, who, act, close }: { shown: Diff; running: number; act: Action; close: () => void } & Pick<Props, "who">) {
  const { busy, problems, run } = act;
  const path = `/v1/policy/rollback?to=${shown.number}&confirm_within=60s`;
  const back = async () => {
    if (!(await run(() => send("POST", path, undefined, shown.from)))) return;
    close();
    focusOn("history-title");
  };
  return (
    <Dialog title={`From version ${shown.from} to ${shown.to}`} close={close}>
      <pre tabIndex={0} role="region" aria-label="The difference">
        {shown.diff || "They are the same."}
      </pre>
      {who.role === "admin" && shown.number !== running ? (
        <p>
          <button type="button" aria-disabled={busy} onClick={back}>
            Roll back to version {shown.number}
          </button>{" "}
          for 60 s, and for good once it is kept.
        </p>
      ) : null}
      <Problems list={problems} />
    </Dialog>
  );
}

export function History(props: Props) {
  const { newest, again } = props;
  const [before, goBefore] = useState(0); // 0: the newest
  const older = usePoll<Versions>(before ? `/v1/policy/versions?count=${PAGE}&before=${before}` : "", 15);
  const value = (before && older.value) || newest.value;
  const [shown, show] = useState<Diff>();
  const act = useAction(again); // one of all of them: its end is told also where its buttons have gone
  const { busy, problems, notices, run } = act;
  const running = newest.value?.running ?? 0;
  const none = before ? "There are none before." : "No policy was ever in force.";
  const oldest = value?.versions.at(-1)?.version; // what it changed nobody knows any more
  const wordOf = (number: number) => (number === running ? "Changed" : "Compare");
  // Of another version: what going back to it would change.
  const compare = (number: number) =>
    run(async () => {
      const which = number === running ? `to=${running}` : `from=${running}&to=${number}`;
      show({ ...(await get<Omit<Diff, "number">>(`/v1/policy/diff?${which}`)), number });
    });
  return (
    <Part id="history" title="Policy history" of={[before ? older : newest]}>
      <Waiting value={newest.value} who={props.who} act={act} />
      <Problems list={before ? older.problems : newest.problems} />
      {shown ? null : <Problems list={problems} notices={notices} />}
      <Table label="Versions of the policy" head={["version", "when", "who", "what", "look"]} empty={value?.versions.length === 0 && none}>
        {(value?.versions ?? []).map((one) => (
          <tr key={one.version} data-version={one.version}>
            <th scope="row">
              {one.version}
              {one.version === running ? " (runs)" : ""}
            </th>
            <td class="when">{clock(one.at)}</td>
            <td class="text">{one.author}</td>
            <td class="text">{one.comment}</td>
            <td>
              {one.version === running && one.version === oldest ? null : (
                <button type="button" aria-disabled={busy} aria-label={`${wordOf(one.version)}: version ${one.version}`} onClick={() => compare(one.version)}>
                  {wordOf(one.version)}
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
      <p>
        {oldest && oldest > 1 && value?.versions.length === PAGE ? (
          <button type="button" onClick={() => goBefore(oldest)}>
            Older
          </button>
        ) : null}{" "}
        {before ? (
          <button type="button" onClick={() => (goBefore(0), focusOn("history-title"))}>
            Newest
          </button>
        ) : null}
      </p>
      {shown ? <Compared who={props.who} shown={shown} running={running} act={act} close={() => show(undefined)} /> : null}
    </Part>
  );
}
