# See tests/local.mk. One small module per corner of the module API, and bad_*.c: each broken in exactly one way. Built like every
# module (modules/local.mk), but never installed; run_api.py loads them into a real nunciod.
API_LINKFLAGS = $(MODULE_LINKFLAGS) -rpath $(pkgmoduledir)
EXTRA_DIST += %D%/run_api.py %D%/rig.py %D%/cases_wrong.py %D%/cases_supervised.py %D%/cases_right.py \
	%D%/cases_chat.py %D%/cases_nodes.py %D%/api_service.h
# Run by tests/run, because they want to install.
EXTRA_DIST += %D%/out_of_tree.py %D%/readme.py %D%/config_docs.py %D%/outside
TESTS += tests/api/run_api.py

check_LTLIBRARIES += $(API_MODULES)
API_MODULES =

API_MODULES += tests/api/api_bus.la
tests_api_api_bus_la_SOURCES = %D%/api_bus.c
tests_api_api_bus_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_bus_la_CFLAGS = $(MODULE_CFLAGS) $(PTHREAD_CFLAGS)
tests_api_api_bus_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_append.la
tests_api_api_append_la_SOURCES = %D%/api_append.c
tests_api_api_append_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_append_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_append_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_conf.la
tests_api_api_conf_la_SOURCES = %D%/api_conf.c
tests_api_api_conf_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_conf_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_conf_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_control.la
tests_api_api_control_la_SOURCES = %D%/api_control.c
tests_api_api_control_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_control_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_control_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_group.la
tests_api_api_group_la_SOURCES = %D%/api_group.c
tests_api_api_group_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_group_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_group_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_hook.la
tests_api_api_hook_la_SOURCES = %D%/api_hook.c
tests_api_api_hook_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_hook_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_hook_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_live.la
tests_api_api_live_la_SOURCES = %D%/api_live.c
tests_api_api_live_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_live_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_live_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_notice.la
tests_api_api_notice_la_SOURCES = %D%/api_notice.c
tests_api_api_notice_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_notice_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_notice_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_ready.la
tests_api_api_ready_la_SOURCES = %D%/api_ready.c
tests_api_api_ready_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_ready_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_ready_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_service.la
tests_api_api_service_la_SOURCES = %D%/api_service.c
tests_api_api_service_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_service_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_service_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_service_user.la
tests_api_api_service_user_la_SOURCES = %D%/api_service_user.c
tests_api_api_service_user_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_service_user_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_service_user_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_store.la
tests_api_api_store_la_SOURCES = %D%/api_store.c
tests_api_api_store_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_store_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_store_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_ticket.la
tests_api_api_ticket_la_SOURCES = %D%/api_ticket.c
tests_api_api_ticket_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_ticket_la_CFLAGS = $(MODULE_CFLAGS) $(PTHREAD_CFLAGS)
tests_api_api_ticket_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_timer.la
tests_api_api_timer_la_SOURCES = %D%/api_timer.c
tests_api_api_timer_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_timer_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_timer_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_watch.la
tests_api_api_watch_la_SOURCES = %D%/api_watch.c
tests_api_api_watch_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_watch_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_watch_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/auth_api.la
tests_api_auth_api_la_SOURCES = %D%/auth_api.c
tests_api_auth_api_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_auth_api_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_auth_api_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_blocks.la
tests_api_bad_blocks_la_SOURCES = %D%/bad_blocks.c
tests_api_bad_blocks_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_blocks_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_blocks_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/api_query.la
tests_api_api_query_la_SOURCES = %D%/api_query.c
tests_api_api_query_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_api_query_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_api_query_la_LDFLAGS = $(API_LINKFLAGS)
API_MODULES += tests/api/bad_answer.la tests/api/bad_shape.la
tests_api_bad_answer_la_SOURCES = %D%/bad_answer.c
tests_api_bad_answer_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_answer_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_answer_la_LDFLAGS = $(API_LINKFLAGS)
tests_api_bad_shape_la_SOURCES = %D%/bad_shape.c
tests_api_bad_shape_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_shape_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_shape_la_LDFLAGS = $(API_LINKFLAGS)
API_MODULES += tests/api/bad_control.la
tests_api_bad_control_la_SOURCES = %D%/bad_control.c
tests_api_bad_control_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_control_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_control_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_cycle_a.la
tests_api_bad_cycle_a_la_SOURCES = %D%/bad_cycle_a.c
tests_api_bad_cycle_a_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_cycle_a_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_cycle_a_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_cycle_b.la
tests_api_bad_cycle_b_la_SOURCES = %D%/bad_cycle_b.c
tests_api_bad_cycle_b_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_cycle_b_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_cycle_b_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_forgets.la
tests_api_bad_forgets_la_SOURCES = %D%/bad_forgets.c
tests_api_bad_forgets_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_forgets_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_forgets_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_init.la
tests_api_bad_init_la_SOURCES = %D%/bad_init.c
tests_api_bad_init_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_init_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_init_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_late.la
tests_api_bad_late_la_SOURCES = %D%/bad_late.c
tests_api_bad_late_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_late_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_late_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_major.la
tests_api_bad_major_la_SOURCES = %D%/bad_major.c
tests_api_bad_major_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_major_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_major_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_minor.la
tests_api_bad_minor_la_SOURCES = %D%/bad_minor.c
tests_api_bad_minor_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_minor_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_minor_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_name.la
tests_api_bad_name_la_SOURCES = %D%/bad_name.c
tests_api_bad_name_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_name_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_name_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_need.la
tests_api_bad_need_la_SOURCES = %D%/bad_need.c
tests_api_bad_need_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_need_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_need_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_need_service.la
tests_api_bad_need_service_la_SOURCES = %D%/bad_need_service.c
tests_api_bad_need_service_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_need_service_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_need_service_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_need_store.la
tests_api_bad_need_store_la_SOURCES = %D%/bad_need_store.c
tests_api_bad_need_store_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_need_store_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_need_store_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_no_descriptor.la
tests_api_bad_no_descriptor_la_SOURCES = %D%/bad_no_descriptor.c
tests_api_bad_no_descriptor_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_no_descriptor_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_no_descriptor_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_op_a.la
tests_api_bad_op_a_la_SOURCES = %D%/bad_op_a.c
tests_api_bad_op_a_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_op_a_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_op_a_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_op_b.la
tests_api_bad_op_b_la_SOURCES = %D%/bad_op_b.c
tests_api_bad_op_b_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_op_b_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_op_b_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_options.la
tests_api_bad_options_la_SOURCES = %D%/bad_options.c
tests_api_bad_options_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_options_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_options_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_reload.la
tests_api_bad_reload_la_SOURCES = %D%/bad_reload.c
tests_api_bad_reload_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_reload_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_reload_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_service.la
tests_api_bad_service_la_SOURCES = %D%/bad_service.c
tests_api_bad_service_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_service_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_service_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_size.la
tests_api_bad_size_la_SOURCES = %D%/bad_size.c
tests_api_bad_size_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_size_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_size_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_start.la
tests_api_bad_start_la_SOURCES = %D%/bad_start.c
tests_api_bad_start_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_start_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_start_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_start_busy.la
tests_api_bad_start_busy_la_SOURCES = %D%/bad_start_busy.c
tests_api_bad_start_busy_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_start_busy_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_start_busy_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_symbol.la
tests_api_bad_symbol_la_SOURCES = %D%/bad_symbol.c
tests_api_bad_symbol_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_symbol_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_symbol_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_twice.la
tests_api_bad_twice_la_SOURCES = %D%/bad_twice.c
tests_api_bad_twice_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_twice_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_twice_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/bad_unsized.la
tests_api_bad_unsized_la_SOURCES = %D%/bad_unsized.c
tests_api_bad_unsized_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_bad_unsized_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_bad_unsized_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/store_bad_a.la
tests_api_store_bad_a_la_SOURCES = %D%/store_bad_a.c
tests_api_store_bad_a_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_store_bad_a_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_store_bad_a_la_LDFLAGS = $(API_LINKFLAGS)

API_MODULES += tests/api/store_bad_b.la
tests_api_store_bad_b_la_SOURCES = %D%/store_bad_b.c
tests_api_store_bad_b_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_api_store_bad_b_la_CFLAGS = $(MODULE_CFLAGS)
tests_api_store_bad_b_la_LDFLAGS = $(API_LINKFLAGS)
