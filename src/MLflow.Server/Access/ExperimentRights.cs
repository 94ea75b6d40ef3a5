namespace MLflow.Server.Access;

/// <summary>Kinds of access to an experiment. A permission and the scope of a token are sets of them, and a request has what is in both.</summary>
[Flags]
internal enum ExperimentRights
{
    None = 0,

    /// <summary>Sends traces, and finds the experiment by its name; reads nothing of what is stored.</summary>
    Ingest = 1,

    Read = 2,

    /// <summary>Changes and deletes traces, runs, assessments, artifacts and tags.</summary>
    Edit = 4,

    /// <summary>Renames, deletes and restores the experiment, and gives permissions.</summary>
    Manage = 8,
}
