using System.Text.Json;

namespace MLflow;

/// <summary>Records <c>POST …/chat/completions</c>.</summary>
internal sealed class ChatCompletionsRecorder : IRecorder
{
    public void RecordRequest(in RecordedBody body, RecordedFields fields)
    {
        RequestReader.Read(body, fields);
        fields.Attributes.Add(new(AttributeNames.MessageFormat, AttributeValue.FromString("openai")));
    }

    public void RecordResponse(in RecordedBody recorded, RecordedFields fields)
    {
        var body = JsonText.ValidUtf8(recorded.Bytes);
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

    public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields) =>
        StreamReading.Read(body, marks, new ChatStreamMerge(), fields);

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
}
