// SPDX-License-Identifier: Apache-2.0
/** The result of a run, and what is made of it: files for people, CI servers and programs. */
package dmabuflab.report;
