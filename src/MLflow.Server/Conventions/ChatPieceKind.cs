namespace MLflow.Server.Conventions;

/// <summary>What a part of a message is.</summary>
internal enum ChatPieceKind
{
    Text,
    Reasoning,
    Image,
    Other,
}
