using System.Globalization;

namespace MLflow;

/// <summary>Why traces are dropped: the keys of <see cref="FlushResult.DroppedBy"/>.</summary>
internal static class DropReasons
{
    public const string QueueFull = "queue full";
    public const string Stopped = "the client was stopped";
    public const string ExperimentDeleted = "the experiment is deleted";
    public const string NoArtifactUpload = "the artifact location takes no uploads";
    public const string InvalidAnswer = "the server's answer was not understood";
    public const string ConnectionLost = "the connection broke";
    public const string Timeout = "the server did not answer in time";
    public const string LateSpan = "a span ended after its trace was uploaded";
    public const string PartOfTrace = "the server takes no parts of traces";
    public const string Failed = "could not be encoded";

    public const string NoExperiment = "no experiment is set";
    public const string InvalidExperiment = "the experiment's name is none of a workspace";

    public const string Rejected = "rejected by the server";
    public const string SpoolTooOld = "waited too long in the spool";

    /// <summary>The server answered with this status.</summary>
    public static string Status(int status) => string.Create(CultureInfo.InvariantCulture, $"HTTP {status}");
}
