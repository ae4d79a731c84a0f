/** How much of everything; bytes are those of the records' values. */
export interface Scale {
  readonly warmUpBytes: number
  /** Of one run of ProducerPerformance with records of 1 KB. */
  readonly javaBytes: number
  /** Of one run of the load generator, the same. */
  readonly loadBytes: number
  /** Of the topic that is read from its start. */
  readonly oldBytes: number
  readonly tailRounds: number
  readonly steadySeconds: number
  readonly endToEndRecords: number
  readonly transactionSeconds: number
  readonly requests: number
  readonly bigLogBytes: number
  readonly settleMs: number
}

export const FULL: Scale = {
  warmUpBytes: 500e6,
  javaBytes: 500e6,
  loadBytes: 1e9,
  oldBytes: 1e9,
  tailRounds: 40,
  steadySeconds: 20,
  endToEndRecords: 5000,
  transactionSeconds: 8,
  requests: 60_000,
  bigLogBytes: 10e9,
  settleMs: 10_000,
}

export const QUICK: Scale = {
  warmUpBytes: 200e6,
  javaBytes: 200e6,
  loadBytes: 500e6,
  oldBytes: 500e6,
  tailRounds: 20,
  steadySeconds: 8,
  endToEndRecords: 2000,
  transactionSeconds: 5,
  requests: 20_000,
  bigLogBytes: 1e9,
  settleMs: 3000,
}
