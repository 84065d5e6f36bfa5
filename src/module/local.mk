noinst_LIBRARIES += src/libmodule.a
src_libmodule_a_SOURCES = \
	%D%/api_bus.c \
	%D%/api_call.c \
	%D%/api_conf.c \
	%D%/api_control.c \
	%D%/api_conversation.c \
	%D%/api_hook.c \
	%D%/api_json.c %D%/api_json.h \
	%D%/api_live.c \
	%D%/api_log.c \
	%D%/api_metric.c \
	%D%/api_ready.c \
	%D%/api_request.c \
	%D%/api_search.c \
	%D%/api_service.c \
	%D%/api_session.c \
	%D%/api_store.c \
	%D%/api_timer.c \
	%D%/api_watch.c \
	%D%/loader.c %D%/loader.h \
	%D%/module.c %D%/module.h %D%/module_private.h \
	%D%/module_metrics.c \
	%D%/module_needs.c \
	%D%/module_report.c \
	%D%/option_value.c %D%/option_value.h \
	%D%/options.c %D%/options.h
