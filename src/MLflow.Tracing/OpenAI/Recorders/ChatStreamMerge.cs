using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Merges the chunks of a streamed chat completion to the shape of the response that is not streamed: all choices, tool calls, refusals, reasoning,
/// logprobs, audio, and every field that we do not know.
/// </summary>
internal sealed class ChatStreamMerge : IStreamMerge
{
    private readonly List<MergedField> _top = [];
    private readonly List<ChatChoiceMerge> _choices = [];
    private readonly ChunkTemplate _template = new();
    private readonly bool _isLegacy;
    private bool _hasChoices;
    private int _topBeforeChoices;

    /// <param name="isLegacy">True for the older completions: the choices have a text instead of a message.</param>
    public ChatStreamMerge(bool isLegacy = false) => _isLegacy = isLegacy;

    private ApiError? Error { get; set; }

    /// <summary>True when nothing was merged.</summary>
    private bool IsEmpty => _top.Count == 0 && !_hasChoices;

    private bool IsFinished => _choices.Count > 0 && _choices.TrueForAll(c => c.FinishReason is not null);

    public bool TryAdd(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> chunk, out bool hasContent)
    {
        if (_template.TryAppend(chunk, out hasContent))
        {
            return true;
        }

        // A chunk is merged whole or not at all.
        if (!_template.TryLearn(chunk))
        {
            return false;
        }

        var reader = new Utf8JsonReader(chunk, JsonText.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("choices"u8))
            {
                hasContent |= AddChoices(ref reader, chunk);
            }
            else
            {
                AddTop(name, ref reader, chunk);
            }
        }

        _template.Bind(Choice);
        return true;
    }

    public void Complete(RecordedFields fields)
    {
        if (!IsEmpty)
        {
            ResponseReader.Read(Write(), fields);
        }

        fields.Error = Error;
        fields.IsStreamComplete = IsFinished;
    }

    private byte[] Write()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        writer.WriteStartObject();

        // In the order of the wire: who reads only the beginning (a preview) wants the answer, not the usage that came last.
        for (var i = 0; i < _top.Count; i++)
        {
            WriteChoices(writer, before: i);
            _top[i].Write(writer);
        }

        WriteChoices(writer, before: _top.Count);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private void WriteChoices(Utf8JsonWriter writer, int before)
    {
        if (!_hasChoices || _topBeforeChoices != before)
        {
            return;
        }

        writer.WriteStartArray("choices"u8);
        foreach (var choice in _choices)
        {
            choice.Write(writer);
        }

        writer.WriteEndArray();
    }

    private bool AddChoices(ref Utf8JsonReader reader, ReadOnlySpan<byte> chunk)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return false;
        }

        if (!_hasChoices)
        {
            _hasChoices = true;
            _topBeforeChoices = _top.Count;
        }

        var hasContent = false;
        for (var position = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; position++)
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                hasContent |= Choice(IndexOf(reader) ?? position).Add(ref reader, chunk);
            }
            else
            {
                reader.Skip();
            }
        }

        return hasContent;
    }

    /// <summary>Looks ahead with a copy of the reader, since the index may stand behind the delta.</summary>
    private static int? IndexOf(Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isIndex = reader.TextEquals("index"u8);
            reader.Read();
            if (isIndex)
            {
                return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var index) ? index : null;
            }

            reader.Skip();
        }

        return null;
    }

    private ChatChoiceMerge Choice(int index)
    {
        var at = 0;
        for (; at < _choices.Count && _choices[at].Index <= index; at++)
        {
            if (_choices[at].Index == index)
            {
                return _choices[at];
            }
        }

        var added = new ChatChoiceMerge(index, _isLegacy);
        _choices.Insert(at, added);
        return added;
    }

    private void AddTop(ReadOnlySpan<byte> name, ref Utf8JsonReader reader, ReadOnlySpan<byte> chunk)
    {
        if (name.SequenceEqual("obfuscation"u8))
        {
            // Random padding that hides the length of a token from the network; the response that is not streamed has none.
            reader.Skip();
            return;
        }

        var field = MergedField.In(_top, name);
        if (name.SequenceEqual("object"u8))
        {
            field.SetRaw(_isLegacy ? "\"text_completion\""u8 : "\"chat.completion\""u8);
            reader.Skip();
            return;
        }

        if (name.SequenceEqual("error"u8))
        {
            var copy = reader;
            Error = ApiErrorReader.Read(ref copy) ?? Error;
        }

        // Azure's first and last chunks say nothing by "" and 0.
        var isNothing = reader.TokenType == JsonTokenType.Null
            || (reader.TokenType == JsonTokenType.String && reader.ValueSpan.IsEmpty)
            || (reader.TokenType == JsonTokenType.Number && name.SequenceEqual("created"u8) && reader.ValueSpan.SequenceEqual("0"u8));
        if (isNothing && (field.HasValue || reader.TokenType == JsonTokenType.Null))
        {
            return;
        }

        field.SetRaw(JsonText.RawValue(ref reader, chunk));
    }
}
