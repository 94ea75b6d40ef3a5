namespace MLflow;

/// <summary>What a failed request says about trying again.</summary>
internal enum ExportFailureKind
{
    /// <summary>Nothing that speaks MLflow answers. Traces wait for as long as there is room.</summary>
    Unreachable,

    /// <summary>The server answers and asks for patience (429, 502, 503, 504) or better credentials (401, 403). Traces wait likewise.</summary>
    Busy,

    /// <summary>The server failed or did not answer in time (500, 408, a timeout), which may be the request's own doing: tried a few times.</summary>
    Failed,

    /// <summary>A workspace answers and asks for a right, a folder or credentials that somebody has to give. The traces of this experiment wait; others go on.</summary>
    Held,

    /// <summary>The server does not want this request (other 4xx). Not tried again.</summary>
    Refused,
}
