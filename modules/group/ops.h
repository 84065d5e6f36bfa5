/* SPDX-License-Identifier: MIT */
#ifndef MODULES_GROUP_OPS_H
#define MODULES_GROUP_OPS_H

#include <nuncio/request.h>

/* The handlers in the tables of tables.c, the same for ops and routes. `user` is the group. */

/* ops_group.c: the group as a whole */
nuncio_request_fn ops_create, ops_info, ops_update, ops_mute_all, ops_transfer, ops_dissolve;
/* ops_list.c: pages */
nuncio_request_fn ops_list, ops_members, ops_invites, ops_requests;
/* ops_member.c: one member */
nuncio_request_fn ops_leave, ops_remove, ops_role, ops_mute;
/* ops_join.c: how people come in */
nuncio_request_fn ops_join, ops_accept, ops_decline, ops_add, ops_invite, ops_approve, ops_reject;

#endif
