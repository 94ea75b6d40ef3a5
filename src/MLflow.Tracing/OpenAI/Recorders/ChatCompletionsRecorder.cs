using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>Records <c>POST …/chat/completions</c>.</summary>
internal sealed class ChatCompletionsRecorder : IRecorder
{
    private static readonly string[] ChunkEventNames = new string[1000];

    public void RecordRequest(ReadOnlySpan<byte> body, RecordedFields fields)
    {
        ChatRequest.Read(body, fields);
        fields.Attributes.Add(new(AttributeNames.MessageFormat, AttributeValue.FromString("openai")));
    }

    public void RecordResponse(ReadOnlySpan<byte> body, RecordedFields fields)
    {
        body = JsonText.ValidUtf8(body);
        var isJson = true;
        try
        {
            var reader = new Utf8JsonReader(body, JsonText.ReaderOptions);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                ReadResponse(ref reader, fields);
            }

            while (reader.Read())
            {
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            isJson = false;
        }

        fields.Outputs = JsonText.Body(body, isJson);
    }

    public void RecordStream(ReadOnlySpan<byte> body, ReadOnlySpan<BodyMark> marks, StreamLimits limits, RecordedFields fields)
    {
        body = JsonText.ValidUtf8(body);
        var merge = new ChatStreamMerge();
        var events = new ServerSentEvents(body);
        StringBuilder? text = null;
        var mark = 0;
        var eventBytes = 0;
        while (events.MoveNext())
        {
            var data = events.Data;
            if (data.SequenceEqual("[DONE]"u8))
            {
                fields.SawDone = true;
                continue;
            }

            while (mark + 1 < marks.Length && marks[mark + 1].Offset < events.EndOffset)
            {
                mark++;
            }

            var time = marks.IsEmpty ? 0 : marks[mark].Time;
            var isJson = merge.TryAdd(data, out var hasContent);
            if (!isJson)
            {
                if (!events.IsDispatched)
                {
                    // Cut off in mid-event: the program never saw it.
                    continue;
                }

                (text ??= new StringBuilder()).Append(Encoding.UTF8.GetString(data)).Append('\n');
            }

            if (hasContent)
            {
                fields.FirstTokenNs ??= time;
            }

            if (fields.ChunkEvents.Count < limits.MaxChunkEvents && eventBytes + data.Length <= limits.MaxChunkEventBytes)
            {
                eventBytes += data.Length;
                var value = isJson ? AttributeValue.FromJson(data.ToArray()) : AttributeValue.FromString(Encoding.UTF8.GetString(data));
                fields.ChunkEvents.Add(new SpanEvent(ChunkEventName(fields.ChunkCount), time, [new(AttributeNames.ChunkValue, value)]));
            }
            else
            {
                fields.ChunksOmitted++;
            }

            fields.ChunkCount++;
        }

        fields.Usage = merge.Usage ?? fields.Usage;
        fields.Error = merge.Error;
        fields.FinishReason = merge.FinishReason;
        fields.IsStreamComplete = fields.SawDone || merge.IsFinished;
        if (!merge.IsEmpty)
        {
            fields.Outputs = JsonText.Body(merge.Write(), isJson: true);
        }
        else if (text is not null)
        {
            fields.Outputs = AttributeValue.FromString(text.ToString(0, text.Length - 1));
        }
    }

    private static void ReadResponse(ref Utf8JsonReader reader, RecordedFields fields)
    {
        ApiError? error = null;
        var hasChoices = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("usage"u8))
            {
                reader.Read();
                fields.Usage = ChatUsage.Read(ref reader) ?? fields.Usage;
            }
            else if (reader.ValueTextEquals("model"u8))
            {
                reader.Read();
                fields.ResponseModel = JsonText.ReadStringOrNull(ref reader);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                hasChoices = ReadFinishReason(reader, fields);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                error = ApiErrorReader.Read(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        // An answer beside the error (some servers send "error": {} always) is an answer.
        fields.Error = hasChoices ? null : error;
    }

    /// <summary>Reads the first choice with a copy of the reader.</summary>
    /// <returns>True when there is a choice.</returns>
    private static bool ReadFinishReason(Utf8JsonReader reader, RecordedFields fields)
    {
        if (reader.TokenType != JsonTokenType.StartArray || !reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isFinishReason = reader.ValueTextEquals("finish_reason"u8);
            reader.Read();
            if (isFinishReason)
            {
                fields.FinishReason = JsonText.ReadStringOrNull(ref reader);
                break;
            }

            reader.Skip();
        }

        return true;
    }

    private static string ChunkEventName(int index) => index < ChunkEventNames.Length
        ? ChunkEventNames[index] ??= AttributeNames.ChunkEventPrefix + index.ToString(CultureInfo.InvariantCulture)
        : AttributeNames.ChunkEventPrefix + index.ToString(CultureInfo.InvariantCulture);
}
