// SPDX-License-Identifier: BSD-3-Clause
// The policy's versions: how they differ, and back to one of them, with a minute to think it over.
import { useState } from "preact/hooks";
import { get, type Role, send, type Versions } from "./api";
import { Part, Problems, Table, useAction, when } from "./parts";

interface Diff {
  from: number;
  to: number;
  diff: string;
}

interface Props {
  value?: Versions;
  role: Role;
  again: () => unknown;
}

function Waiting({ value, role, again }: Props) {
  const { busy, problems, run } = useAction(again);
  const waits = value?.unconfirmed;
  if (!waits) return null;
  return (
    <div class="trial" role="status">
      <p>
        … Version {waits.version} waits for its confirmation. Without one, version {waits.back_to} comes back at{" "}
        {when(waits.deadline)}.
      </p>
      {role === "admin" ? (
        <>
          <button type="button" disabled={busy} onClick={() => run(() => send("POST", "/v1/policy/confirm"))}>
            Keep it
          </button>{" "}
          <button type="button" disabled={busy} onClick={() => run(() => send("POST", `/v1/policy/rollback?to=${waits.back_to}`))}>
            Back now
          </button>
        </>
      ) : null}
      <Problems list={problems} />
    </div>
  );
}

export function History({ value, role, again }: Props) {
  const [shown, show] = useState<Diff>();
  const { busy, problems, run } = useAction(again);
  const running = value?.running ?? 0;
  const compare = (number: number) =>
    run(async () => {
      const from = number === running ? "" : `from=${number}&`;
      show(await get<Diff>(`/v1/policy/diff?${from}to=${running}`));
    });
  const back = (number: number) => run(() => send("POST", `/v1/policy/rollback?to=${number}&confirm_within=60s`));
  return (
    <Part id="history" title="Policy history">
      <Waiting value={value} role={role} again={again} />
      <Problems list={problems} />
      <Table label="Versions of the policy" head={["version", "when", "who", "what", "do"]}>
        {(value?.versions ?? []).map((one) => (
          <tr key={one.version}>
            <th scope="row">
              {one.version}
              {one.version === running ? " (runs)" : ""}
            </th>
            <td>{when(one.at)}</td>
            <td>{one.author}</td>
            <td>{one.comment}</td>
            <td>
              <button type="button" disabled={busy} aria-label={`${one.version === running ? "What it changed" : "Compare"}: version ${one.version}`} onClick={() => compare(one.version)}>
                {one.version === running ? "What it changed" : "Compare"}
              </button>{" "}
              {role === "admin" && one.version !== running ? (
                <button type="button" disabled={busy} aria-label={`Roll back to version ${one.version}`} onClick={() => back(one.version)}>
                  Roll back
                </button>
              ) : null}
            </td>
          </tr>
        ))}
      </Table>
      {shown ? (
        <div>
          <h3>
            From version {shown.from} to {shown.to}
          </h3>
          <pre tabIndex={0} role="region" aria-label="The difference">{shown.diff || "They are the same."}</pre>
        </div>
      ) : null}
    </Part>
  );
}
