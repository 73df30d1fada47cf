// SPDX-License-Identifier: BSD-3-Clause
// The page: who looks, and the list of its parts.
import { render } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiError, get, type Problem, problemsOf, type Versions, type Who, type Zones } from "./api";
import "./app.css";
import { Bans } from "./bans";
import { Drops } from "./drops";
import { Events } from "./events";
import { flowAfter, noFlow } from "./flow";
import { History } from "./history";
import { Levels } from "./levels";
import { onSessionLost, Problems, usePoll } from "./parts";
import { Servers } from "./servers";
import { Badge, Login } from "./session";
import { Sources } from "./sources";

function Watch({ who }: { who: Who }) {
  const zones = usePoll<Zones>("/v1/zones", 1);
  const versions = usePoll<Versions>("/v1/policy/versions?count=10", 5);
  const [flow, setFlow] = useState(noFlow);
  useEffect(() => {
    if (zones.value) setFlow((before) => flowAfter(before, zones.value as Zones));
  }, [zones.value]);
  const again = async () => {
    await zones.again();
    await versions.again();
  };
  return (
    <main>
      <Problems list={zones.problems} />
      <Levels flow={flow} role={who.role} unconfirmed={versions.value?.unconfirmed?.version ?? 0} again={again} />
      <Drops flow={flow} />
      <Servers />
      <Sources />
      <Bans role={who.role} />
      <History value={versions.value} role={who.role} again={again} />
      <Events />
    </main>
  );
}

const PARTS = ["zones", "drops", "servers", "sources", "bans", "history", "events"];

function Page() {
  const [who, setWho] = useState<Who | null>();
  const [problems, setProblems] = useState<Problem[]>([]);
  const look = useCallback(async () => {
    try {
      setWho(await get<Who>("/v1/whoami"));
      setProblems([]);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return setWho(null);
      setProblems(problemsOf(error));
      setTimeout(look, 3000);
    }
  }, []);
  useEffect(() => {
    onSessionLost(() => setWho(null));
    void look();
  }, []);
  return (
    <>
      <header>
        <h1>Traffic Dam</h1>
        {who ? (
          <nav aria-label="Parts of this page">
            {PARTS.map((one) => (
              <a href={`#${one}`}>{one}</a>
            ))}
          </nav>
        ) : null}
        {who ? <Badge who={who} left={look} /> : null}
      </header>
      {problems.length > 0 ? <main><Problems list={problems} /></main> : null}
      {who === null && problems.length === 0 ? <Login entered={look} /> : null}
      {who && problems.length === 0 ? <Watch who={who} /> : null}
    </>
  );
}

document.body.replaceChildren();
render(<Page />, document.body);
