/** What the suites ask of a client library; one implementation for each, which only translates. */

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface OutgoingMessage {
  readonly partition?: number
  readonly key: string | null
  readonly value: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export interface ReceivedMessage {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

export interface ProducerOptions {
  readonly bootstrapServers: string
  readonly clientId?: string
  readonly compression?: Compression
  readonly acks?: 0 | 1 | -1
  readonly idempotent?: boolean
}

export interface CompatProducer {
  /** In one request to each partition's leader, if the library has its way. */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<void>
  close(): Promise<void>
}

export interface MemberOptions {
  readonly bootstrapServers: string
  readonly groupId: string
  readonly topic: string
  readonly clientId?: string
  /** The library commits by itself what it has handed out; otherwise only `commit` does. */
  readonly autoCommit?: boolean
  readonly sessionTimeoutMs?: number
  onMessage?(message: ReceivedMessage): void
  /** The partitions it has from now on. */
  onAssignment?(partitions: readonly number[]): void
}

/** A member of a group that starts at the committed offset, or at the beginning without one. */
export interface GroupMember {
  /** `offset` is that of the next record to read. */
  commit(partition: number, offset: number): Promise<void>
  /** Leaves the group. */
  leave(): Promise<void>
}

export interface CompatAdmin {
  createTopic(topic: string, partitions: number, configs?: Readonly<Record<string, string>>): Promise<void>
  deleteTopic(topic: string): Promise<void>
  addPartitions(topic: string, count: number): Promise<void>
  topics(): Promise<string[]>
  /** Leader of each partition. */
  leaders(topic: string): Promise<number[]>
  topicConfig(topic: string, key: string): Promise<{ value: string | null; isDefault: boolean }>
  /** By AlterConfigs or IncrementalAlterConfigs, whichever the library knows. */
  setTopicConfig(topic: string, key: string, value: string): Promise<void>
  /** By partition. */
  endOffsets(topic: string): Promise<number[]>
  /** By partition, the first offset at or after a time; the end where there is none. */
  offsetsAt(topic: string, timestampMs: number): Promise<number[]>
  deleteRecords(topic: string, partition: number, beforeOffset: number): Promise<void>
  groups(): Promise<string[]>
  group(groupId: string): Promise<{ state: string; members: number }>
  /** By partition; -1 without one. */
  committed(groupId: string, topic: string, partitions: number): Promise<number[]>
  deleteGroup(groupId: string): Promise<void>
  close(): Promise<void>
}

export interface CompatClient {
  readonly name: string
  producer(options: ProducerOptions): Promise<CompatProducer>
  member(options: MemberOptions): Promise<GroupMember>
  /** Seeks to an offset of a partition and reads on from there until `count` messages have come. */
  readFrom(
    bootstrapServers: string,
    topic: string,
    start: { readonly partition: number; readonly offset: number },
    count: number,
  ): Promise<ReceivedMessage[]>
  admin(bootstrapServers: string): Promise<CompatAdmin>
}
