// SPDX-License-Identifier: BSD-3-Clause
// The bans that hold; operators add and lift them.
import { useState } from "preact/hooks";
import { type Bans as List, type Role, send } from "./api";
import { Part, Problems, Table, useAction, usePoll, when } from "./parts";

function Add({ again }: { again: () => unknown }) {
  const { busy, problems, run } = useAction(again);
  const [source, setSource] = useState("");
  const [lasts, setLasts] = useState("1h");
  const [reason, setReason] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    const body = { source: source.trim(), reason, ...(lasts ? { for: lasts } : {}) };
    if (await run(() => send("POST", "/v1/bans", body))) setSource("");
  };
  return (
    <form onSubmit={submit}>
      <label for="ban-source">Address or network</label>
      <input id="ban-source" required value={source} onInput={(event) => setSource(event.currentTarget.value)} />
      <label for="ban-for">For (1h30m; empty: for ever)</label>
      <input id="ban-for" value={lasts} onInput={(event) => setLasts(event.currentTarget.value)} />
      <label for="ban-reason">Reason</label>
      <input id="ban-reason" maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      <button id="ban-add" disabled={busy}>
        Ban
      </button>
      <Problems list={problems} />
    </form>
  );
}

export function Bans({ role }: { role: Role }) {
  const bans = usePoll<List>("/v1/bans?count=50", 3);
  const lifting = useAction(bans.again);
  const may = role !== "viewer";
  const lift = (source: string) => lifting.run(() => send("DELETE", `/v1/bans/${source}`));
  return (
    <Part id="bans" title={`Bans (${bans.value?.total ?? 0})`}>
      {may ? <Add again={bans.again} /> : null}
      <Problems list={[...bans.problems, ...lifting.problems]} />
      <Table label="Bans" head={["source", "until", "reason", "by", ...(may ? ["lift"] : [])]}>
        {(bans.value?.bans ?? []).map((one) => (
          <tr key={one.source + one.origin} data-ban={one.source}>
            <th scope="row">{one.source}</th>
            <td>{one.until ? when(one.until) : "for ever"}</td>
            <td>{one.reason}</td>
            <td>{one.by_zone ? one.origin : `${one.origin}: ${one.author}`}</td>
            {may ? (
              <td>
                <button type="button" disabled={lifting.busy} aria-label={`Lift ${one.source}`} onClick={() => lift(one.source)}>
                  Lift
                </button>
              </td>
            ) : null}
          </tr>
        ))}
      </Table>
    </Part>
  );
}
