// SPDX-License-Identifier: BSD-3-Clause
// Routes and servers: who takes connections, in words and signs.
import type { Route, Server } from "./api";
import { Part, Problems, short, Table, usePoll } from "./parts";

function healthOf(server: Server): { sign: string; words: string } {
  if (server.state !== "enabled") return { sign: "–", words: server.state };
  if (server.up === false) return { sign: "✖", words: "down: no connection" };
  const verdict = server.health?.verdict ?? "";
  if (verdict === "down") return { sign: "✖", words: "down: its check fails" };
  if (server.up === undefined || verdict === "unknown") return { sign: "?", words: "not known yet" };
  if (verdict === "unchecked") return { sign: "✔", words: "up (probes alone)" };
  return { sign: "✔", words: "up" };
}

function ServerRow({ server }: { server: Server }) {
  const { sign, words } = healthOf(server);
  return (
    <tr data-server={server.name}>
      <th scope="row">{server.name}</th>
      <td>
        <span aria-hidden="true">{sign} </span>
        {words}
      </td>
      <td>{short(server.connections_open ?? Number.NaN)}</td>
      <td>
        {server.addresses.map((one) => (
          <p>
            {one.includes(":") ? `[${one}]` : one}:{server.port}
          </p>
        ))}
      </td>
      <td class="text">
        {(server.health?.findings ?? []).map((one) => (
          <p>
            {one.message} <em>{one.hint}</em>
          </p>
        ))}
      </td>
    </tr>
  );
}

// Whether anybody takes its connections, as far as is known.
function Takers({ route, servers }: { route: Route; servers?: Server[] }) {
  const signOf = (name: string) => {
    const server = servers?.find((one) => one.name === name);
    return server ? healthOf(server).sign : "?";
  };
  const takes = (name: string) => signOf(name) === "✔" || signOf(name) === "?";
  const pool = route.servers.some(takes);
  const last = route.fallback !== "" && takes(route.fallback);
  return (
    <td class="text" data-takers={pool ? "pool" : last ? "fallback" : "none"}>
      {route.servers.map((name) => `${signOf(name)} ${name}`).join(", ")}
      {route.fallback ? `, else ${signOf(route.fallback)} ${route.fallback}` : ""}
      {pool || !last ? null : <p class="warn">△ {route.fallback} alone</p>}
      {pool || last ? null : <p class="bad">✖ no server: connections are refused</p>}
    </td>
  );
}

const whatOf = (route: Route) => [...route.server_names, route.path].filter(Boolean).join(" ") || "everything else";

export function Servers() {
  const servers = usePoll<{ servers: Server[] }>("/v1/servers", 3);
  const routes = usePoll<{ routes: Route[] }>("/v1/routes", 15);
  return (
    <Part id="servers" title="Servers and routes" of={[servers, routes]}>
      <Problems list={[...servers.problems, ...routes.problems]} />
      <Table label="Servers" head={["server", "health", "connections", "address", "findings"]} empty={servers.value?.servers.length === 0 && "The policy names no server."}>
        {(servers.value?.servers ?? []).map((one) => (
          <ServerRow key={one.name} server={one} />
        ))}
      </Table>
      <Table label="Routes" head={["route", "listener", "takes", "zone", "servers"]} empty={routes.value?.routes.length === 0 && "The policy has no route."}>
        {(routes.value?.routes ?? []).map((one) => (
          <tr key={one.name} data-route={one.name}>
            <th scope="row">{one.name}</th>
            <td>{one.listener ? `${one.listener.protocol}\u00a0${one.listener.port}` : ""}</td>
            <td class="text">{whatOf(one)}</td>
            <td>{one.zone}</td>
            <Takers route={one} servers={servers.value?.servers} />
          </tr>
        ))}
      </Table>
    </Part>
  );
}
