// SPDX-License-Identifier: BSD-3-Clause
// The page: who looks, and the list of its parts.
import { render } from "preact";
import { type Dispatch, type StateUpdater, useCallback, useEffect, useState } from "preact/hooks";
import { ApiError, get, type Problem, problemsOf, type Versions, type Who, type Zones } from "./api";
import "./app.css";
import { Bans } from "./bans";
import { Banner, useCondition } from "./condition";
import { Drops } from "./drops";
import { Events } from "./events";
import { type Flow, flowAfter, noFlow } from "./flow";
import { History } from "./history";
import { Levels } from "./levels";
import { OldSince, onSessionLost, Problems, usePoll } from "./parts";
import { Servers } from "./servers";
import { Badge, keepNote, Login } from "./session";
import { Sources } from "./sources";

interface WatchProps {
  who: Who;
  flow: Flow;
  setFlow: Dispatch<StateUpdater<Flow>>;
}

function Watch({ who, flow, setFlow }: WatchProps) {
  const condition = useCondition();
  const away = condition.awaySince > 0;
  const zones = usePoll<Zones>("/v1/zones", 1);
  const versions = usePoll<Versions>("/v1/policy/versions?count=10", 3);
  useEffect(() => {
    if (zones.value) setFlow((before) => flowAfter(before, zones.value as Zones, away));
  }, [zones.value]);
  const again = async () => {
    await zones.again();
    await versions.again();
  };
  return (
    <OldSince.Provider value={condition.silentSince}>
      <Banner {...condition} />
      <main>
        <Problems list={zones.problems} />
        <Levels flow={flow} zones={zones} who={who} away={away} versions={versions.value} again={again} />
        <Drops flow={flow} zones={zones} away={away} />
        <Servers />
        <Sources />
        <Bans role={who.role} />
        <History newest={versions} who={who} again={again} />
        <Events />
      </main>
    </OldSince.Provider>
  );
}

const PARTS = ["zones", "drops", "servers", "sources", "bans", "history", "events"];

function Page() {
  const [who, setWho] = useState<Who | null>();
  const [problems, setProblems] = useState<Problem[]>([]);
  const [flow, setFlow] = useState(noFlow); // outlives a session: whoever logs in again has the last ten minutes
  const [ended, setEnded] = useState(false);
  const stranger = (hasEnded: boolean) => {
    keepNote(false);
    setEnded(hasEnded);
    setWho(null);
  };
  const look = useCallback(async () => {
    try {
      setWho(await get<Who>("/v1/whoami"));
      setProblems([]);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return stranger(false);
      setProblems([...problemsOf(error), { message: "this page asks again every three seconds" }]);
      setTimeout(look, 3000);
    }
  }, []);
  const leave = () => {
    setEnded(false);
    return look();
  };
  useEffect(() => {
    onSessionLost(() => stranger(true));
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
        {who ? <Badge who={who} left={leave} /> : null}
      </header>
      {problems.length > 0 ? <main><Problems list={problems} /></main> : null}
      {who === null && problems.length === 0 ? <Login ended={ended} entered={look} /> : null}
      {who && problems.length === 0 ? <Watch who={who} flow={flow} setFlow={setFlow} /> : null}
    </>
  );
}

document.body.replaceChildren();
render(<Page />, document.body);
