import { atLeast, nonEmptyString } from '../checks.ts'
import { boolean, int, LONG_MAX, long, string } from '../table.ts'

/** Tiered storage. */
// biome-ignore format: a table reads by the line
export const remoteStorageKeys = {
  'follower.fetch.last.tiered.offset.enable': boolean(false, { update: 'cluster-wide', doc: 'Whether a new follower starts at the last offset on remote storage.' }),
  'remote.fetch.max.wait.ms': int(500, { check: atLeast(1), update: 'cluster-wide', doc: 'How long a fetch waits for remote storage.' }),
  'remote.list.offsets.request.timeout.ms': long(30_000, { check: atLeast(1), update: 'cluster-wide', doc: 'How long a lookup of offsets waits for remote storage.' }),
  'remote.log.index.file.cache.total.size.bytes': long(1_073_741_824, { check: atLeast(1), update: 'cluster-wide', doc: 'Local disk for copies of remote index files.' }),
  'remote.log.manager.copier.thread.pool.size': int(10, { check: atLeast(1), update: 'cluster-wide', doc: 'Threads that copy segments to remote storage.' }),
  'remote.log.manager.copy.max.bytes.per.second': long(LONG_MAX, { check: atLeast(1), update: 'cluster-wide', doc: 'Ceiling on what is copied to remote storage.' }),
  'remote.log.manager.copy.quota.window.num': int(11, { check: atLeast(1), doc: 'Samples kept for the quota on copies to remote storage.' }),
  'remote.log.manager.copy.quota.window.size.seconds': int(1, { check: atLeast(1), doc: 'Length of a sample of the quota on copies to remote storage.' }),
  'remote.log.manager.expiration.thread.pool.size': int(10, { check: atLeast(1), update: 'cluster-wide', doc: 'Threads that delete expired remote segments.' }),
  'remote.log.manager.fetch.max.bytes.per.second': long(LONG_MAX, { check: atLeast(1), update: 'cluster-wide', doc: 'Ceiling on what is fetched from remote storage.' }),
  'remote.log.manager.fetch.quota.window.num': int(11, { check: atLeast(1), doc: 'Samples kept for the quota on fetches from remote storage.' }),
  'remote.log.manager.fetch.quota.window.size.seconds': int(1, { check: atLeast(1), doc: 'Length of a sample of the quota on fetches from remote storage.' }),
  'remote.log.manager.follower.thread.pool.size': int(2, { check: atLeast(1), update: 'cluster-wide', doc: 'Threads that follow remote segments for replicas that do not lead.' }),
  'remote.log.manager.task.interval.ms': long(30_000, { check: atLeast(1), doc: 'How often segments are looked through for what to copy or delete.' }),
  'remote.log.manager.thread.pool.size': int(2, { check: atLeast(1), doc: 'Threads that plan copies of segments.' }),
  'remote.log.metadata.custom.metadata.max.bytes': int(128, { check: atLeast(0), doc: 'Largest metadata that a storage plugin may attach to a segment.' }),
  'remote.log.metadata.manager.class.name': string('org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager', { check: nonEmptyString, doc: 'Java class that keeps the metadata of remote segments.' }),
  'remote.log.metadata.manager.class.path': string(null, { doc: 'Class path of the remote metadata plugin.' }),
  'remote.log.metadata.manager.impl.prefix': string('rlmm.config.', { check: nonEmptyString, doc: "Prefix of the remote metadata plugin's own keys." }),
  'remote.log.metadata.manager.listener.name': string(null, { check: nonEmptyString, doc: 'Listener through which the remote metadata plugin connects.' }),
  'remote.log.reader.max.pending.tasks': int(100, { check: atLeast(1), doc: 'Reads from remote storage that may wait; more are refused.' }),
  'remote.log.reader.threads': int(10, { check: atLeast(1), update: 'cluster-wide', doc: 'Threads that read from remote storage.' }),
  'remote.log.storage.manager.class.name': string(null, { check: nonEmptyString, doc: 'Java class that reaches the remote storage.' }),
  'remote.log.storage.manager.class.path': string(null, { doc: 'Class path of the remote storage plugin.' }),
  'remote.log.storage.manager.impl.prefix': string('rsm.config.', { check: nonEmptyString, doc: "Prefix of the remote storage plugin's own keys." }),
  'remote.log.storage.system.enable': boolean(false, { doc: 'Whether tiered storage is on.' }),
}
