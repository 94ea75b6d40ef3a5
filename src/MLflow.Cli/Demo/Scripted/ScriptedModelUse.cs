namespace MLflow.Cli.Demo.Scripted;

/// <summary>What a model is for.</summary>
internal enum ScriptedModelUse
{
    Chat,
    Embedding,
    Image,
    Speech,
    Transcription,
}
