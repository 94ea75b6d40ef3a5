using System.Text.Json;

namespace MLflow.Server.Conventions;

/// <summary>A message of a conversation, whoever wrote it down.</summary>
internal sealed record ChatTurn
{
    public required string Role { get; init; }

    public string? Name { get; init; }

    public List<ChatPiece> Pieces { get; init; } = [];

    public List<ChatCall> Calls { get; init; } = [];

    /// <summary>Of a tool's answer: the call that it answers.</summary>
    public string? CallId { get; init; }

    public string? FinishReason { get; init; }

    public int? Index { get; init; }

    public bool IsEmpty => Pieces.Count == 0 && Calls.Count == 0;

    /// <summary>Adds text, or a list of parts in OpenAI's shape.</summary>
    public ChatTurn Add(JsonElement content)
    {
        if (content.ValueKind == JsonValueKind.String && content.GetString() is { Length: > 0 } text)
        {
            Pieces.Add(ChatPiece.OfText(text));
        }
        else if (content.ValueKind == JsonValueKind.Array && content.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String || part.String("type") is not null))
        {
            Pieces.AddRange(content.EnumerateArray().Select(part =>
                part.ValueKind == JsonValueKind.String ? ChatPiece.OfText(part.GetString()!)
                : part.String("type") == "text" && part.String("text") is { } words ? ChatPiece.OfText(words) : ChatPiece.Of(part)));
        }
        else if (content.ValueKind is JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
        {
            Pieces.Add(ChatPiece.OfText(content.GetRawText()));
        }

        return this;
    }
}
