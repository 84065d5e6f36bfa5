# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/auth_jwt/auth_jwt.la
# All but auth_jwt.c needs no server: tests and fuzz_jwt build it in.
AUTH_JWT_PURE = %D%/auth_jwt.h %D%/base64url.c %D%/issue.c %D%/key.c %D%/token.c %D%/token_cache.c
AUTH_JWT_LIBS = $(JANSSON_LIBS) $(OPENSSL_LIBS) $(JWT_LIBS) -lm
modules_auth_jwt_auth_jwt_la_SOURCES = %D%/auth_jwt.c $(AUTH_JWT_PURE)
modules_auth_jwt_auth_jwt_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_auth_jwt_auth_jwt_la_CFLAGS = $(MODULE_CFLAGS)
modules_auth_jwt_auth_jwt_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_auth_jwt_auth_jwt_la_LIBADD = $(AUTH_JWT_LIBS)
EXTRA_DIST += %D%/README.md
