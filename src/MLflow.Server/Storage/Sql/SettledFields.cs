namespace MLflow.Server.Storage.Sql;

/// <summary>Columns of a trace that a client's StartTrace has settled, so that what spans say about them is passed over, whichever comes first.</summary>
[Flags]
internal enum SettledFields
{
    None = 0,

    /// <summary>StartTrace has come.</summary>
    Info = 1,
    RequestTime = 2,
    Duration = 4,

    /// <summary>Only a final state is settled: the spans may still tell how a running trace ended.</summary>
    State = 8,
    RequestPreview = 16,
    ResponsePreview = 32,
}
