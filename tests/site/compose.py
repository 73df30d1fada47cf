#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What Compose makes of config/site: compose.py PROGRAM FOLDER, FOLDER being a prepared copy. One line a check."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM, FOLDER = sys.argv[1:]
SERVICES = {
    "main": {"nginx", "app", "database", "alloy", "nginx-exporter", "node-exporter", "cadvisor"},
    "sub": {"nginx", "prometheus", "alertmanager", "loki", "grafana", "alloy", "nginx-exporter", "node-exporter", "cadvisor"},
}
CAPABILITIES = {  # the only ones that anybody may have, and who
    "nginx": {"NET_BIND_SERVICE", "CHOWN", "SETUID", "SETGID"},
    "alloy": {"DAC_READ_SEARCH"}, "cadvisor": {"DAC_READ_SEARCH"}}
UNASKED = {"nginx-exporter", "certbot"}  # nothing in the image to ask with; lives for seconds
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)*")


def config(folder, *profiles, more=()):
    """The whole project; Compose must have nothing to complain of."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    if profiles:
        environment["COMPOSE_PROFILES"] = ",".join(profiles)
    done = subprocess.run([PROGRAM, *more, "config", "--format", "json"], cwd=folder, env=environment, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return json.loads(done.stdout)


def plain(name):
    return name.split("-", 1)[1]


def set_profile(role):
    with open(f"{FOLDER}/.env", encoding="utf-8") as file:
        text = file.read()
    with open(f"{FOLDER}/.env", "w", encoding="utf-8") as file:
        file.write(re.sub(r"(?m)^COMPOSE_PROFILES=.*", f"COMPOSE_PROFILES={role}", text))


def check_profiles():
    """one key chooses: main and sub run what is theirs, both keys both, another key nothing"""
    for role, names in SERVICES.items():
        wanted = {f"{role}-{name}" for name in names}
        assert set(config(FOLDER, role)["services"]) == wanted, role
        set_profile(role)
        assert set(config(FOLDER)["services"]) == wanted, f"{role} by .env"
    both = config(FOLDER, "main", "sub")["services"]
    assert len(both) == sum(map(len, SERVICES.values()))
    for name, service in both.items():
        assert service["profiles"] == [name.split("-")[0]], name
    # renew-certificates calls these by name.
    assert {f"{role}-{name}" for role in SERVICES for name in ("certbot", "nginx")} <= set(everything()["services"])
    assert "services" not in config(FOLDER, "nobody") or not config(FOLDER, "nobody")["services"]


def check_include():
    """the entry point only includes"""
    with open(f"{FOLDER}/docker-compose.yml", encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if line and not line.startswith("#")]
    assert lines == ["include:", "  - main-server/docker-compose.yml", "  - sub-server/docker-compose.yml"], lines


def everything():
    return config(FOLDER, "main", "sub", "renew")


def check_hardened():
    """every service: pinned, restarted, read-only, no capability but the named, bounded, rotated, asked for its health"""
    for name, one in everything()["services"].items():
        short = plain(name)
        assert PINNED.fullmatch(one["image"]) and "latest" not in one["image"], f"{name}: {one['image']}"
        assert one["restart"] == ("no" if short == "certbot" else "unless-stopped"), name
        assert one["read_only"] is True and one["cap_drop"] == ["ALL"], name
        assert set(one.get("cap_add", [])) == CAPABILITIES.get(short, set()), f"{name}: {one.get('cap_add')}"
        assert one["security_opt"] == ["no-new-privileges:true"] and not one.get("privileged"), name
        assert one["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3", "tag": "{{.Name}}"}}, name
        resources = one["deploy"]["resources"]
        assert {"cpus", "memory", "pids"} <= set(resources["limits"]), name
        assert 0 < int(resources["reservations"]["memory"]) <= int(resources["limits"]["memory"]), name
        asked = one["healthcheck"]
        assert asked.get("disable", False) == (short in UNASKED), name
        assert short in UNASKED or (asked["test"] and asked["interval"] and asked["retries"] and asked["timeout"]), name
        if short == "nginx":
            assert one["ulimits"]["nofile"] == {"soft": 16384, "hard": 16384}, name


def check_networks():
    """networks are made outside; no port on all addresses; database, Prometheus, Loki and Grafana on none"""
    project = everything()
    assert {key: (one["name"], one["external"]) for key, one in project["networks"].items()} == {
        key: (f"site-{key}", True) for key in ("front", "back", "watch")}
    for name, one in project["services"].items():
        assert one["networks"] and "network_mode" not in one, name
        assert all(port["host_ip"] not in ("", "0.0.0.0", "::") for port in one.get("ports", [])), name
    published = {name: {(port["host_ip"], port["published"]) for port in one["ports"]}
                 for name, one in project["services"].items() if one.get("ports")}
    assert set(published) == {"main-nginx", "sub-nginx", "main-nginx-exporter", "main-node-exporter", "main-cadvisor"}, published
    assert published["main-nginx"] == {(ip, port) for ip in ("198.18.1.10", "2001:db8:0:2::10") for port in ("80", "443")}
    for name in ("main-database", "sub-loki", "sub-grafana"):
        assert set(project["services"][name]["networks"]) == {"back"}, name


def check_mounts():
    """what is mounted is there after `prepare`, read-only but for data, and not inside another; nobody gets Docker's socket"""
    machine = re.compile(r"/(|sys|var/lib/docker(/containers)?)")
    for name, one in everything()["services"].items():
        other = [mount["target"] for mount in one.get("volumes", []) if mount.get("read_only")]
        for mount in one.get("volumes", []):
            assert "docker.sock" not in mount["source"], name
            if mount["type"] == "bind" and not machine.fullmatch(mount["source"]):
                assert os.path.exists(mount["source"]), f"{name}: no {mount['source']}"
            inside = [place for place in other if mount["target"].startswith(place + "/")]  # no place can be made in what is read-only
            assert not inside, f"{name}: {mount['target']} lies in {inside}"
            writes = mount["type"] == "volume" or plain(name) == "certbot"
            assert writes or mount["read_only"], f"{name}: {mount['source']} can be written to"
    for name, secret in everything()["secrets"].items():
        assert os.path.getsize(secret["file"]) >= 32, name


def check_variables():
    """each folder's variables begin with its name; nginx gets those that its template asks for, and no other"""
    for role in SERVICES:
        folder = f"{FOLDER}/{role}-server"
        with open(f"{folder}/.env", encoding="utf-8") as file:
            names = re.findall(r"(?m)^(\w+)=", file.read())
        assert len(names) == len(set(names)) and {one.split("_")[0] for one in names} == {role.upper(), "COMPOSE"}, names
        with open(f"{folder}/nginx/templates/{role}.conf.template", encoding="utf-8") as file:
            asked = set(re.findall(r"\$\{(\w+)\}", file.read()))
        given = config(FOLDER, role)["services"][f"{role}-nginx"]["environment"]
        assert asked == {name for name in given if name.startswith(role.upper())}, role
        assert given["NGINX_ENVSUBST_FILTER"] == f"^{role.upper()}_" and all(given.values()), given


def check_alone():
    """a folder that was moved alone is the same, and finds its data again"""
    for role in SERVICES:
        with tempfile.TemporaryDirectory() as other:
            shutil.copytree(f"{FOLDER}/{role}-server", f"{other}/elsewhere")
            moved, kept = config(f"{other}/elsewhere"), config(FOLDER, role)
            text = json.dumps(moved["services"]).replace(f"{other}/elsewhere", f"{FOLDER}/{role}-server")
            assert json.loads(text) == kept["services"], role
            assert {one["name"] for one in moved["volumes"].values()} == {one["name"] for one in kept["volumes"].values()}, role


failed = 0
for check in (check_include, check_profiles, check_hardened, check_networks, check_mounts, check_variables, check_alone):
    try:
        check()
        print(f"  ✓ {check.__doc__}", flush=True)
    except (AssertionError, KeyError) as error:
        failed += 1
        print(f"  ✗ {check.__doc__}\n      {type(error).__name__}: {error}", flush=True)
sys.exit(failed)
