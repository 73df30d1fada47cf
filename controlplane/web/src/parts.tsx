// SPDX-License-Identifier: BSD-3-Clause
// What several parts of the page share.
import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError, get, type Outcome, type Problem, problemsOf } from "./api";

interface ProblemsProps {
  list: Problem[];
  notices?: Problem[]; // of what was done nevertheless
}

export function Problems({ list, notices = [] }: ProblemsProps) {
  if (list.length + notices.length === 0) return null;
  const done = list.length === 0;
  return (
    <div role={done ? "status" : "alert"} class={done ? "problems notices" : "problems"}>
      {[...list, ...notices].map((one) => (
        <p>
          <span aria-hidden="true">{done ? "△ " : "⚠ "}</span>
          {one.message}
          {one.hint ? <em> — {one.hint}</em> : null}
        </p>
      ))}
    </div>
  );
}

// When what the page shows is no news any more: since when (Unix time, ms); 0: it is.
export const OldSince = createContext(0);

interface PartProps {
  id: string;
  title: string;
  of?: { oldSince: number }[]; // the polls whose answers it shows
  children: ComponentChildren;
}

export function Part({ id, title, of = [], children }: PartProps) {
  const since = [useContext(OldSince), ...of.map((one) => one.oldSince)].filter((one) => one > 0);
  const old = since.length > 0 ? Math.min(...since) : 0;
  return (
    <section id={id} aria-labelledby={`${id}-title`} data-old={old > 0}>
      <h2 id={`${id}-title`} tabIndex={-1}>
        {title}
      </h2>
      {old > 0 ? <p class="old">△ as of {clock(old / 1000)}, not now</p> : null}
      {children}
    </section>
  );
}

interface TableProps {
  label: string;
  head: string[];
  empty: string | false; // what is said where there are no rows
  children: ComponentChildren;
}

// Tables scroll by themselves on a phone, with the keyboard too.
export function Table({ label, head, empty, children }: TableProps) {
  if (empty) return <p class="key">{empty}</p>;
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((one) => (
              <th scope="col">{one}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

// Keeps the keyboard inside, ends by Escape, and gives the focus back: the browser's own dialog does all three.
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => box.current?.showModal(), []);
  return (
    <dialog ref={box} aria-labelledby={id} onClose={close}>
      <h3 id={id}>{title}</h3>
      {children}
      <button type="button" class="close" onClick={() => box.current?.close()}>
        Close
      </button>
    </dialog>
  );
}

// Called when an answer says that nobody is known any more.
let lost: () => void = () => undefined;
export function onSessionLost(call: () => void) {
  lost = call;
}

const AGAIN_S = 2; // after an ask that has failed

// Asks every so many seconds while the page is looked at, and at once when it is looked at again; what was last heard
// stays beside the error. `silent`: there was no answer at all, which the page says once for all of its parts
// (condition.tsx). `oldSince`: the last ask has failed, and the value is of then (Unix time, ms); 0: it is not old.
// Nothing is asked where the path is empty.
export function usePoll<T>(path: string, seconds: number) {
  const [value, setValue] = useState<T>();
  const [problems, setProblems] = useState<Problem[]>([]);
  const [failed, setFailed] = useState<"" | "refused" | "silent">("");
  const heard = useRef(0); // Unix time, ms
  const asked = useRef(path);
  const asks = useRef(0);
  const newest = useRef(0); // of the asks that have an end: what was asked before it is no news
  asked.current = path;
  const ask = useCallback(async () => {
    if (!path) return;
    asks.current += 1;
    const mine = asks.current;
    const overtaken = () => asked.current !== path || mine < newest.current;
    try {
      const answer = await get<T>(path);
      if (overtaken()) return;
      heard.current = Date.now();
      setValue(answer);
      setProblems([]);
      setFailed("");
    } catch (error) {
      if (overtaken()) return;
      if (error instanceof ApiError && error.status === 401) lost();
      setProblems(error instanceof ApiError ? error.problems : []);
      setFailed(error instanceof ApiError ? "refused" : "silent");
      return false;
    } finally {
      newest.current = Math.max(newest.current, mine);
    }
  }, [path]);
  useEffect(() => rounds(ask, seconds), [ask, seconds]);
  return { value, problems, silent: failed === "silent", heard: heard.current, oldSince: failed ? heard.current : 0, again: ask };
}

// Until what it returns is called.
function rounds(ask: () => Promise<boolean | undefined>, seconds: number) {
  let timer = 0;
  let busy = false;
  let over = false;
  const round = async () => {
    if (busy || document.hidden) return; // when it is seen again, a new round begins
    busy = true;
    clearTimeout(timer);
    const well = (await ask()) !== false;
    busy = false;
    if (!over) timer = window.setTimeout(round, (well ? seconds : Math.min(seconds, AGAIN_S)) * 1000);
  };
  document.addEventListener("visibilitychange", round);
  void round();
  return () => {
    over = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", round);
  };
}

// What an answer to a change says beside its success; it is of that moment.
function noticesOf(outcome: Outcome | undefined): Problem[] {
  const list = [...(outcome?.warnings ?? [])];
  const waits = outcome?.in_force === false || outcome?.waiting_for_dataplane === true;
  if (waits) list.unshift({ message: `at ${clock(Date.now() / 1000)} the dataplane did not have it yet`, hint: "the change is saved, and in force once the dataplane has it" });
  if (outcome?.restart_needed) list.push({ message: "a restart of the dataplane is needed to use all of it" });
  return list;
}

// Something that a button does, which gives the answer: its problems are shown, and it is not done twice at a time.
// Buttons that are busy
// are aria-disabled: a button that is disabled loses the focus, and who works with the keyboard the place.
export function useAction(after: () => unknown) {
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [notices, setNotices] = useState<Problem[]>([]);
  const running = useRef(false);
  const run = async (action: () => Promise<unknown>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setProblems([]);
    setNotices([]);
    try {
      setNotices(noticesOf((await action()) as Outcome | undefined));
      return true;
    } catch (error) {
      setProblems(problemsOf(error));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
      await after();
    }
  };
  return { busy, problems, notices, run };
}
export type Action = ReturnType<typeof useAction>;

// 1234567 → "1.2 M"; no line breaks at its space; NaN, what is not known: "…"
export function short(value: number): string {
  if (Number.isNaN(value)) return "…";
  const units = ["", "\u00a0k", "\u00a0M", "\u00a0G", "\u00a0T"];
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return (value >= 10 || unit === 0 ? value.toFixed(0) : value.toFixed(1)) + units[unit];
}

// 1234567 → "1.2 MB"
export const bytes = (value: number) => (/[a-zA-Z]$/.test(short(value)) ? `${short(value)}B` : `${short(value)}\u00a0B`);

// By the clock of whoever looks: "09:06:57", on other days "2026-11-28 09:06:57".
export function clock(unix: number): string {
  const then = new Date(unix * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}`;
  if (then.toDateString() === new Date().toDateString()) return time;
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())} ${time}`;
}

export const focusOn = (id: string) => document.getElementById(id)?.focus();
