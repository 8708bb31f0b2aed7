/** The timeouts of client connections, in milliseconds. Tests shorten them. */
export interface PortTimeouts {
  /** A whole request. A slow sender must not occupy a connection. */
  readonly requestMs: number;
  /** The headers. It also closes a connection that sends nothing. */
  readonly headersMs: number;
  /**
   * A client that does not read its response. Socket buffers are larger than our responses, so only a
   * client that sends many requests without reading reaches it. Node closes it at its second check.
   */
  readonly unreadMs: number;
  /**
   * An idle connection is closed to free a slot only after this time. A client that has just received a
   * response is likely to send its next request on the same connection.
   */
  readonly idleMs: number;
}

/** The timeouts of a server. */
export const PORT_TIMEOUTS: PortTimeouts = {
  requestMs: 15_000,
  headersMs: 10_000,
  unreadMs: 5000,
  idleMs: 5000,
};
