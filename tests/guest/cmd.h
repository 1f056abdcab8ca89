/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd.h - the guest's commands
 */
#ifndef GUEST_CMD_H
#define GUEST_CMD_H

/**
 * cmd_run() - Run a line of commands
 * @line:	Commands with arguments, separated by ';'; cut into words by the call
 */
void cmd_run(char *line);

#endif
