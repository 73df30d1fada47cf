// SPDX-License-Identifier: BSD-3-Clause
// What several parts of the page share.
import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError, get, type Problem, problemsOf } from "./api";

export function Problems({ list }: { list: Problem[] }) {
  if (list.length === 0) return null;
  return (
    <div role="alert" class="problems">
      {list.map((one) => (
        <p>
          <span aria-hidden="true">⚠ </span>
          {one.message}
          {one.hint ? <em> — {one.hint}</em> : null}
        </p>
      ))}
    </div>
  );
}

// When what the page shows is no news any more: since when (Unix time, ms); 0: it is.
export const OldSince = createContext(0);

export function Part({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  const old = useContext(OldSince);
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

// Asks every so many seconds while the page is looked at; what was last heard stays beside the error. `silent`: there
// was no answer at all, which the page says once for all of its parts (condition.tsx).
export function usePoll<T>(path: string, seconds: number) {
  const [value, setValue] = useState<T>();
  const [problems, setProblems] = useState<Problem[]>([]);
  const [silent, setSilent] = useState(false);
  const heard = useRef(0); // Unix time, ms
  const asked = useRef(path);
  asked.current = path;
  const ask = useCallback(async () => {
    try {
      const answer = await get<T>(path);
      if (asked.current !== path) return;
      heard.current = Date.now();
      setValue(answer);
      setProblems([]);
      setSilent(false);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) lost();
      setProblems(error instanceof ApiError ? error.problems : []);
      setSilent(!(error instanceof ApiError));
    }
  }, [path]);
  useEffect(() => {
    let timer = 0;
    let over = false;
    const round = async () => {
      if (!document.hidden) await ask();
      if (!over) timer = window.setTimeout(round, seconds * 1000);
    };
    void round();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [ask, seconds]);
  return { value, problems, silent, heard: heard.current, again: ask };
}

// Something that a button does: its problems are shown, and it is not done twice at a time. Buttons that are busy
// are aria-disabled: a button that is disabled loses the focus, and who works with the keyboard the place.
export function useAction(after: () => unknown) {
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Problem[]>([]);
  const running = useRef(false);
  const run = async (action: () => Promise<unknown>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setProblems([]);
    try {
      await action();
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
  return { busy, problems, run };
}
export type Action = ReturnType<typeof useAction>;

// 1234567 → "1.2 M"; no line breaks at its space
export function short(value: number): string {
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
