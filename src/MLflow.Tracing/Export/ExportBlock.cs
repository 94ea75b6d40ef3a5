namespace MLflow;

/// <summary>A piece of <see cref="ExportMemory"/>, shared by exports that follow each other.</summary>
internal sealed class ExportBlock(int size)
{
    public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(size);

    /// <summary>Bytes that are taken, from the start.</summary>
    public int Used { get; set; }

    /// <summary>Exports that live in it.</summary>
    public int Exports { get; set; }
}
