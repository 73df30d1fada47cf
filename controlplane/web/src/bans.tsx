// SPDX-License-Identifier: BSD-3-Clause
// The bans that hold; operators add and lift them.
import { useState } from "preact/hooks";
import { type Bans as List, type FingerprintBan, type Role, send } from "./api";
import { clock, focusOn, Part, Problems, Table, useAction, usePoll } from "./parts";

function Add({ again }: { again: () => unknown }) {
  const { busy, problems, notices, run } = useAction(again);
  const [source, setSource] = useState("");
  const [lasts, setLasts] = useState("1h");
  const [reason, setReason] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    const body = { source: source.trim(), reason, ...(lasts ? { for: lasts } : {}) };
    if (await run(() => send("POST", "/v1/bans", body))) setSource("");
  };
  return (
    <form onSubmit={submit} class="row" aria-label="Ban a source">
      <label for="ban-source">Address or network</label>
      <input id="ban-source" required spellcheck={false} autocapitalize="off" value={source} onInput={(event) => setSource(event.currentTarget.value)} />
      <label for="ban-for">Lasts</label>
      <input id="ban-for" aria-describedby="ban-hint" value={lasts} onInput={(event) => setLasts(event.currentTarget.value)} />
      <label for="ban-reason">Reason</label>
      <input id="ban-reason" maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      <button id="ban-add" aria-disabled={busy}>
        Ban
      </button>
      <p id="ban-hint" class="key">
        198.51.100.7 or 198.51.100.0/24; lasts 1h30m, or for ever where nothing is said.
      </p>
      <Problems list={problems} notices={notices} />
    </form>
  );
}

const AT_ONCE = 50;

// What part of the bans is seen: those that hold an address, or one page after the other.
function useWindow() {
  const [address, search] = useState("");
  const [after, goTo] = useState("");
  const sought = address.trim() ? `&address=${encodeURIComponent(address.trim())}` : "";
  const bans = usePoll<List>(`/v1/bans?count=${AT_ONCE}${sought || (after && `&after=${encodeURIComponent(after)}`)}`, 3);
  return { bans, address, search, sought: sought !== "", after, goTo };
}

function Search({ bans, address, search, sought, after, goTo }: ReturnType<typeof useWindow>) {
  const list = bans.value;
  const listed = list?.bans.length ?? 0;
  const more = !list?.next ? "" : sought || after ? "There are more." : `${list.total - listed} more.`;
  return (
    <div>
      <label for="ban-search">Bans that hold the address</label>
      <input id="ban-search" type="search" spellcheck={false} autocapitalize="off" value={address} onChange={(event) => search(event.currentTarget.value)} />{" "}
      {more || after ? (
        <span data-more role="status">
          {more}{" "}
        </span>
      ) : null}
      {list?.next && !sought ? (
        <button type="button" onClick={() => goTo(list.next ?? "")}>
          Next {AT_ONCE}
        </button>
      ) : null}{" "}
      {after && !sought ? (
        <button type="button" onClick={() => (goTo(""), focusOn("bans-title"))}>
          From the first
        </button>
      ) : null}
    </div>
  );
}

type Lift = { lifting: ReturnType<typeof useAction>; lift: (whom: string) => unknown } | undefined;

// One ban; `whom` as it was written.
function Row({ whom, ban, by, may }: { whom: string; ban: { until?: number; reason: string }; by: string; may: Lift }) {
  return (
    <tr data-ban={whom}>
      <th scope="row">{whom}</th>
      <td class="when">{ban.until ? clock(ban.until) : "for ever"}</td>
      <td class="text">{ban.reason}</td>
      <td class="text">{by}</td>
      {may ? (
        <td>
          <button type="button" aria-disabled={may.lifting.busy} aria-label={`Lift ${whom}`} onClick={() => may.lift(whom)}>
            Lift
          </button>
        </td>
      ) : null}
    </tr>
  );
}

// Of kinds of clients, in service zones alone: however the list of addresses is searched, all of them.
function Kinds({ list, head, may }: { list: FingerprintBan[]; head: string[]; may: Lift }) {
  if (list.length === 0) return null;
  return (
    <Table label="Bans of kinds of clients" head={["kind of clients", ...head]} empty={false}>
      {list.map((one) => (
        <Row key={one.ja4} whom={one.ja4} ban={one} by={`${one.origin}: ${one.author}`} may={may} />
      ))}
    </Table>
  );
}

export function Bans({ role }: { role: Role }) {
  const seen = useWindow();
  const { bans, sought, after } = seen;
  const kinds = bans.value?.fingerprints ?? [];
  const none = sought ? "No ban holds that address." : after ? "No more bans." : kinds.length > 0 ? "No ban of an address holds." : "No ban holds.";
  const lifting = useAction(bans.again);
  const lift = async (whom: string) => {
    if (await lifting.run(() => send("DELETE", `/v1/bans/${whom}`))) focusOn("bans-title"); // its button has gone
  };
  const may = role === "viewer" ? undefined : { lifting, lift };
  const head = ["until", "reason", "by", ...(may ? ["lift"] : [])];
  const all = bans.value ? bans.value.total + kinds.length : "…";
  return (
    <Part id="bans" title={`Bans (${all})`} of={[bans]}>
      {may ? <Add again={bans.again} /> : null}
      <Problems list={[...bans.problems, ...lifting.problems]} notices={lifting.notices} />
      <Kinds list={kinds} head={head} may={may} />
      {bans.value && (bans.value.total > 1 || sought || after) ? <Search {...seen} /> : null}
      <Table label="Bans" head={["source", ...head]} empty={bans.value?.bans.length === 0 && none}>
        {(bans.value?.bans ?? []).map((one) => (
          <Row key={one.source + one.origin} whom={one.source} ban={one} by={one.by_zone ? one.origin : `${one.origin}: ${one.author}`} may={may} />
        ))}
      </Table>
    </Part>
  );
}
