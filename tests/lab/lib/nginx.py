# SPDX-License-Identifier: BSD-3-Clause
"""A real nginx on a host of the lab, with files of its own."""
import os
import subprocess
import tempfile


def make_home(case):
    home = tempfile.mkdtemp(prefix=f"dam-lab-{case}-", dir="/tmp")
    os.chmod(home, 0o755)
    return home


def remove_home(home):
    subprocess.run(["rm", "-rf", home], check=False)


def start(site, host, home, http):
    """http: what stands in its http block, besides the folders that it keeps bodies in."""
    folders = " ".join(f"{kind}_temp_path {home}/{kind.replace('client_body', 'body')};"
                       for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(home + "/nginx.conf", "w") as conf:
        conf.write(f"""
daemon off; worker_processes 1; user root; pid {home}/nginx.pid;
events {{ worker_connections 512; }}
http {{ {folders}
{http}
}}
""")
    site.children.append(host.popen(["nginx", "-p", home, "-c", home + "/nginx.conf", "-e", home + "/error.log"],
                                    start_new_session=True))
