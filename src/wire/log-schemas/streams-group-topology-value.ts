import { array, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

const topicConfig = { key: string(), value: string() }

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(topicConfig),
}

export const streamsGroupTopologyValue = message(
  { name: 'StreamsGroupTopologyValue', key: 23, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    subtopologies: array({
      subtopologyId: string(),
      sourceTopics: array(string()),
      sourceTopicRegex: array(string()),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string()),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16()),
        sourceTopicRegex: array(int16()),
        repartitionSourceTopics: array(int16()),
      }),
    }),
  },
)
export interface StreamsGroupTopologyValue extends Infer<typeof streamsGroupTopologyValue> {}
export interface StreamsGroupTopologyValueInput extends Input<typeof streamsGroupTopologyValue> {}
