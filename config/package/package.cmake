# SPDX-License-Identifier: BSD-3-Clause
# The Debian package, by CPack. A package is of the Debian that it was built on: its libraries have other names on the next.
file(STRINGS /etc/os-release debian REGEX "^VERSION_ID=")
string(REGEX REPLACE "[^0-9]" "" debian "${debian}")
set(DAM_PACKAGE_REVISION 1 CACHE STRING "of the package, within a version")
set(DAM_MAINTAINER "Traffic Dam maintainers <traffic-dam@packages.debian.net>" CACHE STRING "who answers for the package")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME traffic-dam)
set(CPACK_PACKAGE_CONTACT "${DAM_MAINTAINER}")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${DAM_PACKAGE_REVISION}+deb${debian})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# systemd: sysusers, tmpfiles, units.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd, ca-certificates")
# Drivers of real NICs, which DPDK loads when it starts. Without them driver xdp is what is left.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "librte-meta-net, librte-meta-bus, librte-meta-mempool")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus, grafana, nginx")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Traffic Dam stands between a router and two servers. It holds floods and
macros back with token buckets for each source, passes TLS on by the name in
its ClientHello without decrypting it, tells the servers by PROXY protocol
who their clients are, and keeps the way to the management server open.
Packets go by DPDK, or by an XDP program on NICs that the host shares.")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "front door of a small site: buckets for each source, TLS by server name")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/postinst ${CMAKE_CURRENT_LIST_DIR}/prerm
    ${CMAKE_CURRENT_LIST_DIR}/postrm ${CMAKE_CURRENT_LIST_DIR}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

file(READ ${CMAKE_SOURCE_DIR}/LICENSE licence)
string(REGEX REPLACE "^[^\n]*\n\n([^\n]*)\n" "" licence "${licence}")
string(REPLACE "\n\n" "\n.\n" licence "${licence}")
string(REGEX REPLACE "\n([^\n]*)" "\n \\1" licence "${licence}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/copyright.in ${CMAKE_BINARY_DIR}/package/copyright @ONLY)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${CMAKE_CURRENT_LIST_DIR}/changelog.in ${CMAKE_BINARY_DIR}/package/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9nkf ${CMAKE_BINARY_DIR}/package/changelog.Debian)
install(FILES ${CMAKE_BINARY_DIR}/package/copyright ${CMAKE_BINARY_DIR}/package/changelog.Debian.gz
        ${CMAKE_BINARY_DIR}/documents/changelog.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/traffic-dam OPTIONAL)
include(CPack)
