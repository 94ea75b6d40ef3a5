using System.Text;
using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>Merges the events of a streamed transcription (<c>transcript.text.*</c>) to the answer that is not streamed: text, logprobs, segments, usage.</summary>
internal sealed class TranscriptStreamMerge : ObjectStreamMerge
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _segmentText = new();
    private readonly JsonArray _logprobs = [];
    private readonly JsonArray _segments = [];
    private JsonObject? _done;
    private bool _hasDeltas;

    public override void Complete(RecordedFields fields)
    {
        fields.IsStreamComplete = _done is not null;
        if (_done is not null || _hasDeltas || _segments.Count > 0)
        {
            JsonObject answer = new() { ["text"] = _hasDeltas ? _text.ToString() : _segmentText.ToString() };
            if (_logprobs.Count > 0)
            {
                answer["logprobs"] = _logprobs;
            }

            if (_segments.Count > 0)
            {
                answer["segments"] = _segments;
            }

            if (_done is not null)
            {
                EventJson.MoveTo(_done, answer, "sequence_number");
            }

            ResponseReader.Read(EventJson.ToBytes(answer), fields);
        }

        fields.Error = Error;
    }

    protected override bool Add(JsonObject parsed)
    {
        var hasContent = false;
        switch (EventJson.Text(parsed, "type"))
        {
            case "transcript.text.segment":
                _segmentText.Append(EventJson.Text(parsed, "text"));
                _segments.Add((JsonNode)parsed);
                hasContent = true;
                break;
            case "transcript.text.done":
                parsed.Remove("type");
                _done = parsed;
                break;
            default:
                var delta = EventJson.Text(parsed, "delta");
                _text.Append(delta);
                hasContent = !string.IsNullOrEmpty(delta);
                _hasDeltas |= delta is not null;
                foreach (var logprob in parsed["logprobs"] as JsonArray ?? [])
                {
                    _logprobs.Add(logprob?.DeepClone());
                }

                break;
        }

        return hasContent;
    }
}
