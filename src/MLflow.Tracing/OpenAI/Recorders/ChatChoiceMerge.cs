using System.Text.Json;

namespace MLflow;

/// <summary>One choice of a streamed chat completion.</summary>
internal sealed class ChatChoiceMerge
{
    private readonly MergedObject _message = new();
    private readonly List<MergedField> _others = [];
    private readonly bool _isLegacy;
    private MergedObject? _logprobs;
    private bool _hasLogprobs;
    private byte[]? _wholeMessage;

    /// <param name="index">The choice's number.</param>
    /// <param name="isLegacy">True for a choice of the older completions, which has a text instead of a message.</param>
    public ChatChoiceMerge(int index, bool isLegacy = false)
    {
        Index = index;
        _isLegacy = isLegacy;
    }

    public int Index { get; }

    public string? FinishReason { get; private set; }

    /// <summary>Reads the choice at which the reader stands.</summary>
    /// <returns>True when it brought content.</returns>
    public bool Add(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var hasContent = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("index"u8))
            {
                reader.Skip();
            }
            else if (name.SequenceEqual("delta"u8) && reader.TokenType == JsonTokenType.StartObject)
            {
                hasContent |= _message.Add(ref reader, json);
            }
            else if (name.SequenceEqual("message"u8) && reader.TokenType == JsonTokenType.StartObject)
            {
                // Some servers send the message so far beside the delta, others a whole answer as one event.
                _wholeMessage = JsonText.RawValue(ref reader, json).ToArray();
            }
            else if (name.SequenceEqual("logprobs"u8))
            {
                AddLogprobs(ref reader, json);
            }
            else
            {
                hasContent |= AddOther(name, ref reader, json);
            }
        }

        return hasContent || (_wholeMessage is not null && _message.IsEmpty);
    }

    /// <summary>The message's text of that name.</summary>
    public MergedField TextOf(ReadOnlySpan<byte> name) => _message.Field(name);

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, Index);
        WriteMessage(writer);
        if (_logprobs is not null)
        {
            writer.WritePropertyName("logprobs"u8);
            _logprobs.Write(writer);
        }
        else if (_hasLogprobs)
        {
            writer.WriteNull("logprobs"u8);
        }

        foreach (var field in _others)
        {
            field.Write(writer);
        }

        writer.WriteEndObject();
    }

    private void WriteMessage(Utf8JsonWriter writer)
    {
        if (_wholeMessage is not null && _message.IsEmpty)
        {
            writer.WritePropertyName("message"u8);
            writer.WriteRawValue(_wholeMessage, skipInputValidation: true);
        }
        else if (!_isLegacy || !_message.IsEmpty)
        {
            writer.WritePropertyName("message"u8);
            _message.Write(writer);
        }
    }

    private void AddLogprobs(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        _hasLogprobs = true;
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            (_logprobs ??= new MergedObject(appendsArrays: true)).Add(ref reader, json);
        }
        else
        {
            reader.Skip();
        }
    }

    /// <returns>True when it is the text of a choice of the older completions.</returns>
    private bool AddOther(ReadOnlySpan<byte> name, ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var field = MergedField.In(_others, name);
        if (reader.TokenType == JsonTokenType.Null)
        {
            return false;
        }

        if (_isLegacy && reader.TokenType == JsonTokenType.String && name.SequenceEqual("text"u8))
        {
            field.AppendText(reader.ValueSpan);
            return !reader.ValueSpan.IsEmpty;
        }

        if (reader.TokenType == JsonTokenType.String && name.SequenceEqual("finish_reason"u8) && !reader.ValueSpan.IsEmpty)
        {
            FinishReason = reader.ValueSpan.SequenceEqual("stop"u8) ? "stop" : JsonText.ReadString(ref reader);
        }

        if (reader.TokenType == JsonTokenType.StartArray && name.SequenceEqual("token_ids"u8))
        {
            field.GetArray(MergedArrayKind.Appended).Add(ref reader, json);
            return false;
        }

        field.SetRaw(JsonText.RawValue(ref reader, json));
        return false;
    }
}
