/**
 * The bounds that clients can meet: what each is, and what happens then. Each time is counted by its name, and logged
 * with the peer's address once a minute for each bound.
 */
export const boundTable = {
  'connection.readahead':
    'Requests of one connection that wait (`sluice.max.connection.bytes.in.flight`): its socket is not read.',
  'requests.bytes': 'Requests in memory (`sluice.max.bytes.in.flight`): the sockets that send are not read.',
  'answers.bytes': 'Answers being sent: the next request waits.',
  'request.size': 'A length that is negative or above `socket.request.max.bytes`: the connection is closed.',
  'request.entries':
    'Elements of arrays in a request (`sluice.max.request.entries`): the connection is closed.',
  connections: '`max.connections`, of the broker or a listener: the connection is closed at once.',
  'connections.per.ip': '`max.connections.per.ip`: the connection is closed at once.',
  'connections.held': 'Connections that are held back for their rate: more are closed at once.',
  'rate.connections': '`max.connection.creation.rate`: the connection waits.',
  'rate.connections.per.ip': 'A quota `connection_creation_rate`: the connection is closed after a while.',
  'connection.idle': '`connections.max.idle.ms`: the connection is closed.',
  'connection.stalled':
    'No progress while others wait for the memory that the connection holds: it is closed.',
  'quota.produce': '`producer_byte_rate`: the connection is muted for the throttle time.',
  'quota.fetch': '`consumer_byte_rate`: the same.',
  'quota.request': '`request_percentage`: the same.',
  'quota.controller_mutation': '`controller_mutation_rate`: the same, or THROTTLING_QUOTA_EXCEEDED.',
  'fetch.sessions':
    '`max.incremental.fetch.session.cache.slots`: an older session goes, or there is no new one.',
  'group.size': '`group.max.size`, `group.consumer.max.size`: GROUP_MAX_SIZE_REACHED.',
  pattern: 'The size of a pattern, or a pattern that is none: INVALID_REGULAR_EXPRESSION.',
  'message.size': '`max.message.bytes`, or a segment: MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE.',
  'records.corrupt':
    'What a batch unpacks to (256 MB), or records that are not what it says: CORRUPT_MESSAGE.',
  'offset.metadata': '`offset.metadata.max.bytes`: OFFSET_METADATA_TOO_LARGE.',
  'metadata.change': 'Records of one change of topics, configs or quotas (10,000): POLICY_VIOLATION.',
  'telemetry.bytes': '`telemetry.max.bytes`, or what a push unpacks to: TELEMETRY_TOO_LARGE.',
  'telemetry.series': 'Series of clients’ metrics: what is beyond is dropped.',
  'close.timeout': 'Connections that a stop of the broker did not see end in time: they are cut.',
} as const satisfies Readonly<Record<string, string>>

export type NetBound = keyof typeof boundTable
