// Placeholder.swift
