using System.Text.Json;

namespace MLflow.Server.Conventions;

/// <summary>A part of a message.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text, or the address of an image.</param>
/// <param name="Part">A part that goes through as it is.</param>
internal readonly record struct ChatPiece(ChatPieceKind Kind, string? Text, JsonElement Part)
{
    public static ChatPiece OfText(string text) => new(ChatPieceKind.Text, text, default);

    public static ChatPiece OfReasoning(string text) => new(ChatPieceKind.Reasoning, text, default);

    public static ChatPiece OfImage(string url) => new(ChatPieceKind.Image, url, default);

    public static ChatPiece Of(JsonElement part) => new(ChatPieceKind.Other, null, part);
}
