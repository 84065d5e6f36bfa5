#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2046,SC2086 # lib.sh is beside it; file names and flags are words
# store_mysql compiles for Oracle's client library too, which Debian does not have: against MariaDB's header with
# what only MariaDB has taken away, and what only Oracle has put in. That shows the other branches of db.c and that no
# further name of MariaDB's is used; not that the program links or works with that library.
. "$(dirname "$0")/lib.sh"

flags=$(pkg-config --cflags libmariadb 2>/dev/null) || {
	echo "no client library of MariaDB (default-libmysqlclient-dev): skipped"
	exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/mysql.h" <<'EOF'
#ifndef STAND_IN_H
#define STAND_IN_H
#include <stdbool.h>
#include_next <mysql.h>
#undef MARIADB_BASE_VERSION
#undef MARIADB_VERSION_ID
#undef MARIADB_PACKAGE_VERSION
#undef MARIADB_PACKAGE_VERSION_ID
#undef MYSQL_VERSION_ID
#define MYSQL_VERSION_ID 80400
enum mysql_ssl_mode {
	SSL_MODE_DISABLED = 1, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED, SSL_MODE_VERIFY_CA, SSL_MODE_VERIFY_IDENTITY
};
#define MYSQL_OPT_SSL_MODE ((enum mysql_option)42)
#pragma GCC poison my_bool mysql_ssl_set mysql_optionsv MYSQL_OPT_SSL_ENFORCE MYSQL_OPT_SSL_VERIFY_SERVER_CERT
#pragma GCC poison mariadb_get_infov mysql_get_timeout_value_ms mysql_kill mysql_shutdown
#pragma GCC poison mysql_real_connect_start mysql_real_query_start mysql_real_query_cont mysql_next_result_start
#pragma GCC poison mysql_stmt_execute_start STMT_ATTR_ARRAY_SIZE STMT_ATTR_ROW_SIZE mysql_reconnect
#endif
EOF
status=0
for file in $(files 'modules/store_mysql/*.c'); do
	${CC:-gcc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I"$work" -Iinclude $flags "$file" || status=1
done
[ "$status" -eq 0 ] && echo "check_mysql.sh: ok"
exit "$status"
